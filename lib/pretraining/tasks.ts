/** The tasks that the base model is pretrained on, one row at a time: each is a function of the shops and a random stream. */
import {
  aloudPrompt,
  aloudTexts,
  keywords,
  lineOf,
  LISTINGS,
  listingLine,
  type ListingText,
  priceBound,
  queryPrompt,
  selectPrompt,
  VERDICTS,
  verdictOf,
  withoutPrice,
  contentWords,
} from "../agents/index.js";
import type { Random } from "../base/index.js";
import type { Tokenizer } from "../model/index.js";
import type { Catalogue, Goal } from "../simulator/index.js";
import {
  aloudRow,
  verdictHead,
  verdictRow,
  rewardOfMatched,
  taught,
  type TaughtRow,
} from "../imitation/index.js";

/** The data that the tasks draw from. */
export interface Material {
  readonly tokenizer: Tokenizer;
  readonly shops: readonly Catalogue[];
}

/** One goal of one shop. */
export interface Task {
  readonly shop: Catalogue;
  readonly goal: Goal;
}

export function drawGoal({ shops }: Material, random: Random): Task {
  const shop = random.pick(shops);
  return { shop, goal: shop.goal(random.below(shop.goalCount)) };
}

/** How much a person types: the shop's word for it, some of what is wanted, or all. */
export function drawQuery(goal: Goal, random: Random, care: number): string {
  const words = keywords(goal.instruction);
  if (random.next() < care) return words.join(" ");
  if (random.next() < 0.3) return goal.query;
  const kept = words.filter(() => random.next() < 0.6);
  return (kept.length > 0 ? kept : words).join(" ");
}

/** Writing a query, as people of different care do. */
export function queryRow(material: Material, random: Random, { care }: { readonly care: number }): TaughtRow {
  const { tokenizer } = material;
  const { goal } = drawGoal(material, random);
  const ids = [...tokenizer.encode(drawQuery(goal, random, care)), tokenizer.eosIds[0]!];
  return {
    task: "query",
    weight: 1,
    prompt: tokenizer.chat(queryPrompt(goal.instruction)),
    completions: [taught(ids)],
  };
}

/**
 * How results are rated: by the reward of buying them, by how many of the asked words their titles show, by how many the list shows of
 * them at a price that the instruction accepts (a quarter of it at another), or by that price alone.
 */
export const LABELS = ["reward", "visible", "shown", "price"] as const;
export type Labels = (typeof LABELS)[number];

/** The first ten results of a query, or fewer of them in their order; never none. */
export function results(
  material: Material,
  random: Random,
  count: number,
  labels: Labels,
  { text = "titles", permuted = false }: { readonly text?: ListingText; readonly permuted?: boolean } = {},
): Results {
  for (;;) {
    const { shop, goal } = drawGoal(material, random);
    const query = random.next() < 0.5 ? withoutPrice(goal.instruction) : drawQuery(goal, random, 0.5);
    const hits = shop.search(query, 10).map(({ index }) => index);
    if (hits.length < count) continue;
    const places = random.shuffle(hits.map((_, i) => i)).slice(0, count);
    const listed = (permuted ? places : places.sort((a, b) => a - b)).map((i) => hits[i]!);
    const values = listed.map((index) => valueOf(shop, index, goal, labels, text));
    return { shop, goal, query, listed, values };
  }
}

function valueOf(shop: Catalogue, index: number, goal: Goal, labels: Labels, text: ListingText): number {
  if (labels === "reward") return rewardOfMatched(shop, index, goal);
  const product = shop.product(index);
  const { title, pricing } = product;
  if (labels === "visible") return visibleMatch(goal.instruction, title);
  const price = pricing.reduce((sum, value) => sum + value, 0) / pricing.length;
  const affordable = price <= priceBound(goal.instruction);
  if (labels === "price") return affordable ? 1 : 0;
  return visibleMatch(goal.instruction, lineOf(product, text)) * (affordable ? 1 : DEAR);
}

/** A result whose price is beyond the bound counts so much of one within it. */
const DEAR = 0.25;

/** A title that shows this fraction of the asked words is as good as titles get. */
const ALL_THAT_TITLES_SHOW = 0.7;

/** The fraction of an instruction's content words that a title has, 1 from {@link ALL_THAT_TITLES_SHOW} on. */
function visibleMatch(instruction: string, title: string): number {
  const asked = [...new Set(contentWords(withoutPrice(instruction)))];
  const shown = new Set(contentWords(title));
  const fraction = asked.filter((stem) => shown.has(stem)).length / Math.max(1, asked.length);
  return Math.min(1, fraction / ALL_THAT_TITLES_SHOW);
}

export interface Results extends Task {
  readonly query: string;
  readonly listed: readonly number[];
  readonly values: readonly number[];
}

/** Rating the results of a search. */
export function resultVerdictsRow(
  material: Material,
  random: Random,
  {
    listings,
    labels = "reward",
    text = 0,
  }: { readonly listings: number; readonly labels?: Labels; readonly text?: number },
): TaughtRow {
  const { shop, goal, query, listed, values } = results(material, random, listings, labels);
  const lines = listed.map((index) => listingLine(shop.product(index)));
  return verdictRow(material.tokenizer, verdictHead(goal.instruction, query), lines, values, text);
}

/** Rating lists of words by how many of the asked words they hold. */
export function wordVerdictsRow(
  material: Material,
  random: Random,
  {
    listings,
    words,
    graded = true,
    text = 0,
  }: {
    readonly listings: number;
    readonly words: number;
    readonly graded?: boolean;
    readonly text?: number;
  },
): TaughtRow {
  const { shop, goal } = drawGoal(material, random);
  const hits = shop.search(withoutPrice(goal.instruction), 10).map(({ index }) => index);
  const lines = random
    .shuffle(hits)
    .slice(0, listings)
    .map((index) => random.shuffle(titleWords(shop.product(index).title)).slice(0, words));
  const target = random.pick(lines);
  const asked = random.shuffle(target).slice(0, Math.max(2, Math.ceil(target.length * 0.7)));
  const values = lines.map((line) => {
    const fraction = asked.filter((word) => line.includes(word)).length / asked.length;
    return graded || fraction === 1 ? fraction : 0;
  });
  return verdictRow(
    material.tokenizer,
    verdictHead(asked.join(" "), null),
    lines.map((line) => line.join(" ")),
    values,
    text,
  );
}

/** Writing words again: what induction heads grow from. */
export function copyRow(
  material: Material,
  random: Random,
  { words }: { readonly words: number },
): TaughtRow {
  const { tokenizer } = material;
  const { shop } = drawGoal(material, random);
  const title = (): string[] => titleWords(shop.product(random.below(shop.size)).title);
  const text = random
    .shuffle([...title(), ...title()])
    .slice(0, words)
    .join(" ");
  const ids = tokenizer.encode(` ${text}`);
  return {
    task: "copy",
    weight: 1,
    prompt: [...tokenizer.encode("<|im_start|>user\nRepeat:"), ...ids, ...tokenizer.encode("\nAgain:")],
    completions: [taught(ids)],
  };
}

function titleWords(title: string): string[] {
  return [...new Set(title.toLowerCase().match(/[\p{L}\p{N}'-]+/gu) ?? [])].filter(
    (word) => contentWords(word).length > 0 || /\d/.test(word),
  );
}

/**
 * Choosing among results. The answers' weights are a soft choice: a fraction of it for the best, the rest for any.
 * @param resolve in [0, 1]: how much better the teacher is than chance
 */
export function selectRow(
  material: Material,
  random: Random,
  {
    listings,
    resolve,
    labels = "reward",
  }: { readonly listings: number; readonly resolve: number; readonly labels?: Labels },
): TaughtRow {
  const { tokenizer } = material;
  const { shop, goal, query, listed, values } = results(material, random, listings, labels);
  const prompt = tokenizer.chat(
    selectPrompt(
      goal.instruction,
      query,
      listed.map((index) => shop.product(index)),
    ),
  );
  const most = Math.max(...values) - 1e-9;
  // Of those within the price the first: the search engine has read more of them than their prices.
  const first = values.findIndex((value) => value >= most);
  const best = values.map((value, i) => (value >= most && (labels !== "price" || i === first) ? 1 : 0));
  const count = best.reduce<number>((sum, is) => sum + is, 0);
  const completions = listed.map((_, i) => {
    const fraction = (resolve * best[i]!) / count + (1 - resolve) / listed.length;
    const ids = [...tokenizer.encode(String(i + 1)), tokenizer.eosIds[0]!];
    return { ids, weights: ids.map(() => fraction) };
  });
  return {
    task: "select",
    weight: 1,
    prompt,
    completions: completions.filter(({ weights }) => weights[0]! > 0),
  };
}

/**
 * Judging each result of a list and naming the first of the best, in one answer: the list's lines are given, the verdicts and the number
 * are learnt. Lists are permuted, so that a place tells nothing.
 */
export function readAloudRow(
  material: Material,
  random: Random,
  {
    listings,
    labels = "reward",
    list: lists = "titles",
  }: { readonly listings: number; readonly labels?: Labels; readonly list?: ListingText | "either" },
): TaughtRow {
  const list = lists === "either" ? random.pick(LISTINGS) : lists;
  const drawn = results(material, random, listings, labels, { text: list, permuted: true });
  const { shop, goal, query, listed, values } = drawn;
  const verdicts = values.map(verdictOf);
  const best = verdicts.indexOf(Math.max(...verdicts));
  const words = [...verdicts.map((verdict) => VERDICTS[verdict]!.trim()), String(best + 1)];
  const given = aloudTexts(listed.map((index) => lineOf(shop.product(index), list)));
  return aloudRow(material.tokenizer, aloudPrompt(goal.instruction, query), given, words);
}
