/** The observation of a page (docs/webshop.md §5). */
import { textNode, visibleTexts, type Element } from "./markup.js";
import { subPages, subPageTexts, doneTexts, type PageContents } from "./pages.js";
import { strip } from "./python-text.js";
import type { Product } from "./types.js";

const SEPARATOR = " [SEP] ";

/** The text of a page by the letter of the rule: every visible text, stripped, between separators. */
export function textOfBody(body: readonly Element[]): string {
  return visibleTexts(body)
    .map(({ text }) => strip(text))
    .join(SEPARATOR);
}

/** A product's own part of the pages, which many sessions share. */
export class ProductTexts {
  #result: string | null = null;
  #item: string | null = null;

  constructor(
    readonly product: Product,
    private readonly showAttributes: boolean,
  ) {}

  /** Its three pieces on a page of results. */
  get result(): string {
    this.#result ??= pieces([this.product.asin, this.product.title, this.product.priceLabel]).join(SEPARATOR);
    return this.#result;
  }

  /** Its pieces on its own page, options first. */
  get item(): string {
    this.#item ??= this.itemWithChoices({});
    return this.#item;
  }

  /** The same with a mark before what is chosen. */
  itemWithChoices(chosen: Readonly<Record<string, string>>): string {
    const { product } = this;
    const options = product.options.flatMap((group) => [
      group.name,
      ...group.values.map((value) => (chosen[group.name] === value ? `[chosen] ${value}` : value)),
    ]);
    const rest = [
      product.title,
      `Price: ${product.priceLabel}`,
      "Rating: N.A.",
      ...subPages(this.showAttributes),
    ];
    return pieces([...options, ...rest, "Buy Now"]).join(SEPARATOR);
  }
}

/** `text`: what `textOfBody` gives, put together from ready pieces, which is many times faster. */
export function textObservation(contents: PageContents, texts: (product: Product) => ProductTexts): string {
  const { state, instruction, results, total, hasNext, product, quirks } = contents;
  switch (state.page) {
    case "search":
      return pieces(["WebShop", "Instruction:", instruction, "Search"]).join(SEPARATOR);
    case "results": {
      const page = state.pageNumber!;
      const head = pieces([
        "Instruction:",
        instruction,
        "Back to Search",
        `Page ${page} (Total results: ${total})`,
      ]);
      if (page > 1) head.push("< Prev");
      if (hasNext) head.push("Next >");
      for (const result of results) {
        head.push(texts(result).result);
      }
      return head.join(SEPARATOR);
    }
    case "item": {
      const own = texts(product!);
      const shown = quirks.hiddenChoices ? own.item : own.itemWithChoices(state.options);
      return [...pieces(["Instruction:", instruction, "Back to Search", "< Prev"]), shown].join(SEPARATOR);
    }
    case "subpage": {
      const body = subPageTexts(state.subPage!, product!);
      return pieces(["Instruction:", instruction, "Back to Search", "< Prev", ...body]).join(SEPARATOR);
    }
    case "done": {
      const greeting = [
        "Thank you for shopping with us!",
        "Your code:",
        "None",
        "(Paste it in your MTurk interface.)",
      ];
      return pieces([...greeting, ...doneTexts(contents, product!)]).join(SEPARATOR);
    }
  }
}

/** Stripped texts without those that do not show. */
function pieces(texts: readonly string[]): string[] {
  const shown: string[] = [];
  for (const text of texts) {
    const node = textNode(text);
    if (node !== null) shown.push(strip(node));
  }
  return shown;
}

/** `text_rich`: one line per text, unstripped, with marks around what can be clicked and what was. */
export function richObservation(contents: PageContents, body: readonly Element[], address: string): string {
  const { state, quirks, product } = contents;
  // The rule looks for the value anywhere in the address; mended, for a value that is chosen in its own group.
  const labels =
    product?.options.flatMap((group) => group.values.map((value) => ({ name: group.name, value }))) ?? [];
  const shownLabels = labels.filter(({ value }) => textNode(value) !== null);
  let label = 0;
  let front = "";
  let lines = "";
  for (const { text, parent } of visibleTexts(body)) {
    if (parent.tag === "button") {
      lines += `[button] ${text} [button_]\n`;
    } else if (parent.tag === "label") {
      const { name, value } = shownLabels[label++]!;
      const clicked = quirks.choicesFromAddress
        ? address.includes(`"${text}"`)
        : state.options[name] === value;
      lines += clicked ? `  [clicked button] ${text} [clicked button_]\n` : `  [button] ${text} [button_]\n`;
      if (clicked) front = `You have clicked ${text}.\n${front}`;
    } else if (parent.attributes["class"] === "product-link") {
      const opened = state.opened.includes(text);
      lines += opened ? `\n[clicked button] ${text} [clicked button_]\n` : `\n[button] ${text} [button_]\n`;
    } else {
      lines += `${text}\n`;
    }
  }
  return front + lines;
}
