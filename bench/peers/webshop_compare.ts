/**
 * Our half of playing WebShop's own Python environment beside ours: writes a made-up shop in WebShop's files, then
 * everything that ours shows in random episodes on it, for `webshop_compare.py` to check against the original.
 *
 *     npx tsx bench/peers/webshop_compare.ts FOLDER {human,synthetic}
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stream, type Random } from "../../lib/base/index.js";
import {
  asRawProduct,
  cleanProduct,
  cumulativeWeights,
  drawGoal,
  drawPrices,
  humanGoals,
  isDroppedAsin,
  limitGoals,
  nounsOf,
  openEnvironment,
  PythonRandom,
  recipeProducts,
  shuffleGoals,
  syntheticGoals,
  rewardRecord,
  weighSynthetic,
  type Goal,
  type HumanInstruction,
  type ObservationMode,
  type Product,
  type SessionState,
  type SyntheticInstruction,
} from "../../lib/simulator/index.js";
import { TinyCatalogue } from "../../test/simulator/tiny.js";

const SEED = 12345;
const EPISODES = 300;
const STEPS = 22;
const MODES: readonly ObservationMode[] = ["text", "text_rich", "url"];
/** Option values that went wrong somewhere, sometime. */
const ODD = [
  '8"', "crème brûlée", "7 / Wide", "a/b", "  red  ", "it's", "both ' and \"", "<b>x</b>", "red", "x-large", "日本", "a&b",
  "Description", "Buy Now", "tab\tq", "nb\u00a0sp", "ß", "b000000", "1,5", "#1", "50% off", "+plus", "[br]", "item_page",
]; // prettier-ignore
const QUERIES = [
  "women shoes", "SHOES  size", "search_results shoe", "item_page nuts", "done", "a+b/c", '"red" case', "xyzzy", "kitchen cream",
]; // prettier-ignore
const HOPELESS = [
  "click[search]", "Search[x]", "search[]", "click[nothing]", "search[abc [x]]", "search[a]b", "click[buy now", "think[hm]",
  "click[Next >] ", "search[x\ny]",
]; // prettier-ignore

interface Files {
  readonly items: Record<string, unknown>[];
  readonly attributes: Record<string, { attributes?: readonly string[] } & SyntheticInstruction>;
  readonly human: Record<string, HumanInstruction[]>;
}

/** The embedded shop's first products, made awkward. */
function makeFiles(random: Random): Files {
  const files: Files = { items: [], attributes: {}, human: {} };
  let i = 0;
  for (const record of recipeProducts({ products: 260 })) {
    const item: Record<string, unknown> = { customization_options: "", ...record.raw, images: ["image.jpg"] };
    const { asin } = record.raw;
    const values = (): unknown =>
      random
        .shuffle(ODD)
        .slice(0, 4)
        .map((value) => ({ value }));
    if (i % 5 === 0) item["customization_options"] = { Size: values(), "Color Name": values(), Style: null };
    if (i % 7 === 0) item["name"] = `${record.raw.name} <b>&"' ½ é 日本 SC-HT830V 5pcs`;
    if (i % 11 === 0) item["full_description"] = random.pick(["", " ", "\n", " a\n b ", "<p>x</p>"]);
    if (i % 13 === 0)
      item["small_description"] = random.pick<unknown>(["one text", [" "], ["", " x", "<i>y</i>"], ["\n"]]);
    if (i % 17 === 0)
      item["pricing"] = random.pick(["$1,029.99", "$5 - $7.5", "$20.00 - $10", "$1 $2 $3", "", "$985"]);
    files.items.push(item);
    files.attributes[asin] = {
      ...(i % 29 === 0 ? {} : { attributes: record.attributes }),
      ...record.synthetic,
    };
    if (record.instructions.length > 0) {
      files.human[asin] = record.instructions.map((request, k) => ({
        instruction: k % 2 === 1 ? `${request.instruction}..` : request.instruction,
        instruction_attributes: i % 19 === 0 ? [] : request.instruction_attributes,
        instruction_options:
          i % 3 === 0 ? [...request.instruction_options, random.pick(ODD)] : request.instruction_options,
      }));
    }
    i++;
  }
  const [, , second, third] = files.items;
  const dropped = [
    { ...third, name: "twice" },
    { ...second, asin: "nan" },
    { ...second, asin: "B0000000000000" },
  ];
  files.items.splice(5, 0, ...dropped);
  return files;
}

/** The next action: nonsense, a new search, or something on the page; often on the way to the target. */
function nextAction(
  random: Random,
  page: string,
  clickable: readonly string[],
  goal: Goal,
  near: boolean,
): string {
  const target = goal.asin.toLowerCase();
  if (near && random.next() < 0.7) {
    if (page === "search") return `search[${goal.name.replace(/[[\]\n]/g, " ")}]`;
    if (clickable.includes(target)) return `click[${target}]`;
    const options = clickable.slice(6);
    if (page === "item" && options.length > 0 && random.next() < 0.7) return `click[${random.pick(options)}]`;
    if (page === "item") return "click[buy now]";
  }
  const chance = random.next();
  if (page === "search" || chance < 0.08)
    return `search[${random.pick([goal.query, goal.name.slice(0, 30), ...QUERIES])}]`;
  if (chance < 0.14) return random.pick(HOPELESS);
  const rare = new Map([
    ["back to search", 0.2],
    ["buy now", 0.3],
  ]);
  const open = clickable.filter((text) => random.next() < (rare.get(text) ?? 1));
  const text = open.length > 0 ? random.pick(open) : "buy now";
  return `click[${random.next() < 0.3 ? text.toUpperCase() : text}]`;
}

function main(folder: string, kind: string): void {
  const random = stream(7, "compare", kind);
  const { items, attributes, human } = makeFiles(random);
  mkdirSync(folder, { recursive: true });
  const write = (name: string, value: unknown): void =>
    writeFileSync(join(folder, name), JSON.stringify(value));
  write("items.json", items);
  write("attributes.json", attributes);
  write("human.json", human);

  const products = new Map<string, Product>();
  for (const item of items) {
    const raw = asRawProduct(item);
    if (isDroppedAsin(raw.asin) || products.has(raw.asin)) continue;
    products.set(raw.asin, cleanProduct(raw, attributes[raw.asin]?.attributes));
  }
  const all = [...products.values()];
  const stream233 = new PythonRandom(SEED);
  const prices = drawPrices(
    all.map(({ pricing }) => pricing),
    stream233,
  );
  const priced = all.map((product, i) => ({ product, price: prices[i]! }));
  const drafts =
    kind === "human"
      ? [
          ...humanGoals(
            priced.map((p) => ({ ...p, instructions: human[p.product.asin] ?? [] })),
            stream233,
          ),
        ]
      : weighSynthetic([
          ...syntheticGoals(
            priced.map((p) => ({ ...p, instruction: attributes[p.product.asin]! })),
            stream233,
          ),
        ]);
  const goals = shuffleGoals(drafts);
  const afterShuffle = (): PythonRandom => {
    const next = new PythonRandom(233);
    next.shuffle(drafts);
    return next;
  };
  const draws = afterShuffle();
  const sums = cumulativeWeights(goals);

  const catalogue = new TinyCatalogue(all, goals, [...prices]);
  const queries: Record<string, string[]> = {};
  const search = catalogue.search.bind(catalogue);
  catalogue.search = (query, limit) => {
    const hits = search(query, limit);
    queries[query] = hits.map(({ index }) => all[index]!.asin);
    return hits;
  };
  const episodes = Array.from({ length: EPISODES }, (_, e) => {
    const settings = { showAttributes: e % 2 === 1, previousObservations: e % 3, previousActions: e % 4 };
    const shops = MODES.map((mode) => openEnvironment(catalogue, { ...settings, mode }));
    const goal = random.below(goals.length);
    let states = shops.map((shop) => shop.reset({ goal }));
    const shown = (): Record<string, unknown> => ({
      actions: shops[0]!.actions(states[0]!),
      observations: states.map((state, k) => shops[k]!.observe(state)),
    });
    const steps: Record<string, unknown>[] = [shown()];
    for (let t = 0; t < STEPS; t++) {
      const state: SessionState = states[0]!;
      const action = nextAction(
        random,
        state.page,
        shops[0]!.actions(state).click,
        goals[goal]!,
        e % 3 !== 0,
      );
      const results = states.map((before, k) => shops[k]!.step(before, action));
      states = results.map((result) => result.state);
      const { reward, done, parts } = results[0]!;
      const { counts, options } = states[0]!;
      steps.push({
        action,
        reward,
        done,
        counts,
        options,
        parts: done ? rewardRecord(parts!) : null,
        ...shown(),
      });
    }
    return { goal, ...settings, steps };
  });
  write("expected.json", {
    seed: SEED,
    human: kind === "human",
    prices: Object.fromEntries(all.map(({ asin }, i) => [asin, prices[i]])),
    goals: goals.map((goal) => ({
      asin: goal.asin,
      instruction_text: goal.instruction,
      attributes: goal.attributes,
      price_upper: goal.priceUpper,
      goal_options: kind === "human" ? goal.options : Object.fromEntries(goal.options as [string, string][]),
      weight: goal.weight,
    })),
    draws: Array.from({ length: 50 }, () => drawGoal(sums, draws)),
    limited: limitGoals(goals, 20, afterShuffle()).map(({ index }) => index),
    queries,
    nouns: Object.fromEntries(all.map(({ title }) => [title, nounsOf(title)])),
    episodes,
  });
  console.log(`${all.length} products, ${goals.length} goals, ${EPISODES} episodes in ${folder}`);
}

main(process.argv[2] ?? "compare", process.argv[3] ?? "human");
