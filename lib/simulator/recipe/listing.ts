import type { Random } from "../../base/index.js";
import type { RawProduct } from "../product.js";
import type { Attribute, Recipe } from "./compile.js";
import type { Design } from "./design.js";
import type { ListingHabits } from "./habits.js";

/** A listing in WebShop's raw schema, with the attributes that its pages hide. */
export interface Listing {
  readonly raw: RawProduct;
  readonly attributes: readonly string[];
}

/** Writes a design's listing: a title with clutter, bullets, a description, options, prices, and what stays hidden. */
export function writeListing(design: Design, asin: string, recipe: Recipe, random: Random): Listing {
  const { habits } = recipe;
  const inTitle: Attribute[] = [];
  const inText: Attribute[] = [];
  const inBullets: Attribute[] = [];
  for (const attribute of design.attributes) {
    if (random.next() < habits.inTitle && inTitle.length < 3) inTitle.push(attribute);
    else if (random.next() < habits.inIndexedText) inText.push(attribute);
    else if (random.next() < habits.inOtherBullet) inBullets.push(attribute);
  }
  const inDescription = random.next() < habits.emptyDescription ? [] : inText.slice(1);
  const described = random.next() >= habits.emptyDescription || inDescription.length > 0;
  // Drawn only where the version has the habit: the streams of one that lacks it stay as they are.
  const again = habits.again === 0 ? [] : [...inTitle, ...inText].filter(() => random.next() < habits.again);
  const { type } = design;
  const title = writeTitle(design, inTitle, recipe, random);
  return {
    raw: {
      asin,
      name: habits.titleWords === 0 ? title : lengthen(title, design, recipe, random),
      full_description: described ? writeDescription(design, inDescription, recipe, random) : "",
      small_description: writeBullets(
        design,
        inText.slice(0, 1),
        [...inText.slice(1), ...inBullets, ...again],
        recipe,
        random,
      ),
      pricing: design.cents.map((cents) => `$${withCommas(cents)}`).join(" - "),
      customization_options: design.options.length === 0 ? "" : rawOptions(design),
      images: [""],
      category: type.category,
      query: type.queries.length > 1 && random.next() < 0.3 ? type.queries[1]! : type.queries[0]!,
      product_category: random.next() < 0.03 ? "" : type.path,
    },
    attributes: hiddenAttributes(design, habits, random),
  };
}

/** A title of one of six builds, from three words to some twenty-five. */
function writeTitle(design: Design, said: readonly Attribute[], recipe: Recipe, random: Random): string {
  const { type, name, details } = design;
  const { phrases } = recipe.words;
  const form = (attribute: Attribute): string => random.pick(attribute.titled);
  const before = said.filter(({ kind }) => kind === "before").map(form);
  const joined = (kind: "with" | "for"): string => {
    const forms = said.filter((attribute) => attribute.kind === kind).map(form);
    return forms.length === 0 ? "" : `${kind} ${forms.join(" & ")}`;
  };
  const after = [joined("with"), joined("for")].filter((part) => part !== "");
  const describing = details.filter((detail) => !/^(?:with|for|in|to) /.test(detail));
  const trailing = details.filter((detail) => /^(?:with|for|in|to) /.test(detail));
  const brand = random.next() < 0.85 ? design.brand : "";
  const clutter = random.next() < 0.12 ? random.pick(phrases.clutter) : "";
  const core = [...describing.slice(0, 1), name];

  const tail: string[] = [];
  if (random.next() < 0.25) tail.push(random.pick(phrases.audience[type.category]!));
  const otherName = random.pick(type.names);
  if (random.next() < 0.25 && otherName !== name) tail.push(otherName);
  if (random.next() < 0.1) tail.push(random.pick(phrases.packs));
  if (design.options.length === 0 && type.options.length > 0 && random.next() < 0.35) {
    tail.push(random.pick(random.pick(type.options).values));
  }
  if (random.next() < 0.1) tail.push(modelNumber(random));

  const build = random.next();
  if (build < 0.12) return words([brand, ...before.slice(0, 1), name, ...after]);
  if (build < 0.4)
    return commas([words([clutter, brand, ...core]), ...before, ...trailing, ...after, ...tail], ", ");
  if (build < 0.62)
    return commas([words([brand, clutter, ...before, ...core, ...after, ...trailing]), ...tail], ", ");
  if (build < 0.78)
    return commas([words([...before, ...core, ...after, ...trailing]), brand, ...tail], " - ");
  if (build < 0.9) {
    return words(
      [brand, ...describing, ...before, name, ...trailing, ...after, ...tail].map((part) =>
        part.replaceAll(",", ""),
      ),
    );
  }
  return commas(
    [words([clutter, brand, ...core]), words([...before, ...trailing]), words(after), ...tail],
    " | ",
  );
}

/**
 * A title with phrases of its category until it has about as many words as the habits say: half as many again at most, a third of them
 * fewer at least.
 */
function lengthen(title: string, { type }: Design, recipe: Recipe, random: Random): string {
  const phrases = recipe.words.phrases.padding[type.category]!;
  const wanted = recipe.habits.titleWords * (0.66 + 0.34 * (random.next() + random.next()));
  const by = title.includes(" | ") ? " | " : title.includes(",") || random.next() < 0.5 ? ", " : " ";
  const parts = [title];
  let length = countWords(title);
  while (length < wanted) {
    const phrase = random.pick(phrases);
    if (parts.includes(phrase)) continue;
    parts.push(phrase);
    length += countWords(phrase);
  }
  return parts.join(by);
}

function countWords(text: string): number {
  return text.split(/\s+/).length;
}

function writeBullets(
  design: Design,
  first: readonly Attribute[],
  others: readonly Attribute[],
  recipe: Recipe,
  random: Random,
): string[] {
  const { bullets } = recipe.words.phrases;
  const name = design.name.toLowerCase();
  const tell = (attribute: Attribute): string => {
    const plain = recipe.habits.plainly > 0 && random.next() < recipe.habits.plainly;
    const i = plain ? 0 : random.below(attribute.listing.length);
    const kind = attribute.kind === "before" ? "attribute" : attribute.kind;
    return fill(random.pick(bullets[kind]), { a: attribute.listing[i]!, A: attribute.capitals[i]!, n: name });
  };
  const filler = (): string => fill(random.pick(bullets.filler), { n: name });
  const list = [first.length > 0 ? tell(first[0]!) : filler(), ...others.map(tell)];
  const wanted = 3 + random.below(3);
  while (list.length < wanted) list.push(filler());
  return list;
}

function writeDescription(
  design: Design,
  said: readonly Attribute[],
  recipe: Recipe,
  random: Random,
): string {
  const { descriptions } = recipe.words.phrases;
  const slots = { b: design.brand, n: design.name.toLowerCase() };
  const sentences = [fill(random.pick(descriptions.open), slots)];
  for (const attribute of said) {
    const kind = attribute.kind === "before" ? "middle" : attribute.kind;
    sentences.push(fill(random.pick(descriptions[kind]), { a: random.pick(attribute.listing) }));
  }
  const { habits } = recipe;
  const about = descriptions.about[design.type.category]!;
  for (let left = random.below(4); left > 0; left--) {
    const sentence = random.pick(about);
    if (!sentences.includes(sentence)) sentences.push(sentence);
  }
  if (random.next() < habits.cross) {
    const other = (): string => random.pick(recipe.types).mention;
    sentences.push(fill(random.pick(descriptions.cross), { o: other(), p: other() }));
  }
  if (random.next() < habits.chat) sentences.push(random.pick(descriptions.chat));
  if (random.next() < 0.5) sentences.push(fill(random.pick(descriptions.close), slots));
  return sentences.join(" ");
}

/** The attributes in the attribute files: most of the truth, and sometimes what kind of thing it is. */
function hiddenAttributes(design: Design, habits: ListingHabits, random: Random): string[] {
  const names = design.attributes.filter(() => random.next() < habits.hidden).map(({ name }) => name);
  if (random.next() < habits.ownKind) {
    const [thing] = design.name.toLowerCase().split(" for ");
    const kind = thing!.split(" ").slice(-2).join(" ");
    if (!names.includes(kind)) names.push(kind);
  }
  return names;
}

function rawOptions(design: Design): Record<string, { value: string }[]> {
  return Object.fromEntries(
    design.options.map(({ name, values }) => [name, values.map((value) => ({ value }))]),
  );
}

function modelNumber(random: Random): string {
  const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ";
  const letter = (): string => letters[random.below(letters.length)]!;
  const digits = String(100 + random.below(9900));
  return random.next() < 0.5 ? `${letter()}${letter()}${digits}` : `${letter()}${digits}-${letter()}`;
}

function withCommas(cents: number): string {
  const dollars = String(Math.floor(cents / 100)).replace(/(\d)(?=(\d{3})+$)/g, "$1,");
  return `${dollars}.${String(cents % 100).padStart(2, "0")}`;
}

function words(parts: readonly string[]): string {
  return commas(parts, " ");
}

function commas(parts: readonly string[], by: string): string {
  return parts.filter((part) => part !== "").join(by);
}

/** Puts words into a template's {slots}. */
export function fill(template: string, slots: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w)\}/g, (slot, name: string) => slots[name] ?? slot);
}
