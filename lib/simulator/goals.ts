import { byCodePoint } from "./python-text.js";
import { bisectRight, PythonRandom } from "./python-random.js";
import type { Goal, Product } from "./types.js";

/** Seed with which WebShop shuffles its goals. */
export const GOAL_SHUFFLE_SEED = 233;

/** A goal before the shuffle gives it an index. */
export type GoalDraft = Omit<Goal, "index">;

/** One person's request for a product, as `items_human_ins.json` holds it (§1.4). */
export interface HumanInstruction {
  readonly instruction: string;
  readonly instruction_attributes: readonly string[];
  /** Values only. */
  readonly instruction_options: readonly string[];
}

/** A product's request made from its attributes, as `items_ins_v2.json` holds it. */
export interface SyntheticInstruction {
  /** Null where the product has attributes only. */
  readonly instruction: string | null;
  readonly instruction_attributes: readonly string[];
}

/** No bound was named: everything is cheap enough. */
const NO_BOUND = 1_000_000;

/**
 * WebShop's human goals, in load order (§2), before the shuffle. A request without attributes is passed over
 * before its price is drawn. Reads one product at a time, so the products need not be in memory.
 * @param random the stream that drew the prices, just after it drew them (see `drawPrices`).
 */
export function* humanGoals(
  products: Iterable<{
    readonly product: Product;
    readonly price: number;
    readonly instructions: readonly HumanInstruction[];
  }>,
  random: PythonRandom,
): Generator<GoalDraft> {
  for (const { product, price, instructions } of products) {
    for (const request of instructions) {
      if (request.instruction_attributes.length === 0) continue;
      const bound = drawBound(price, random);
      yield {
        ...target(product),
        instruction: stripDots(request.instruction) + bound.text,
        attributes: request.instruction_attributes,
        options: request.instruction_options,
        priceUpper: bound.upper,
        weight: 1,
      };
    }
  }
}

/**
 * WebShop's synthetic goals, in load order (§2), before the shuffle: one for every combination of a product's
 * options, all with the product's one price bound. Weights are 0 here: they need all goals (`weighSynthetic`).
 * @param random the stream that drew the prices, just after it drew them (see `drawPrices`).
 */
export function* syntheticGoals(
  products: Iterable<{
    readonly product: Product;
    readonly price: number;
    readonly instruction: SyntheticInstruction | null;
  }>,
  random: PythonRandom,
): Generator<GoalDraft> {
  for (const { product, price, instruction } of products) {
    if (!instruction || instruction.instruction === null) continue;
    // WebShop would divide by zero over a request without attributes; its data has none.
    if (instruction.instruction_attributes.length === 0) continue;
    const bound = drawBound(price, random);
    for (const options of optionCombinations(product)) {
      const wish = options.map(([name, value]) => `${name}: ${value}`).join(", and ");
      yield {
        ...target(product),
        instruction: instruction.instruction + (wish === "" ? "" : ` with ${wish}`) + bound.text,
        attributes: instruction.instruction_attributes,
        options,
        priceUpper: bound.upper,
        weight: 0,
      };
    }
  }
}

/** Gives synthetic goals their weights: the mean over a goal's attributes of 1 ÷ (goals that carry it). */
export function weighSynthetic(goals: readonly GoalDraft[]): GoalDraft[] {
  const carriers = new Map<string, number>();
  for (const goal of goals) {
    for (const attribute of goal.attributes) carriers.set(attribute, (carriers.get(attribute) ?? 0) + 1);
  }
  return goals.map((goal) => {
    const sum = goal.attributes.reduce((total, attribute) => total + 1 / carriers.get(attribute)!, 0);
    return { ...goal, weight: sum / goal.attributes.length };
  });
}

/** Puts goals in WebShop's order, the same in every process, and numbers them. */
export function shuffleGoals(drafts: readonly GoalDraft[], seed: number = GOAL_SHUFFLE_SEED): Goal[] {
  return new PythonRandom(seed).shuffle(drafts).map((draft, index) => ({ index, ...draft }));
}

/** The goals that a caller wants (WebShop's `filter_goals`). Their indices stay, so that a split stays what it is. */
export function filterGoals(
  goals: readonly Goal[],
  keep: (index: number, goal: Goal) => boolean,
): readonly Goal[] {
  return goals.filter((goal) => keep(goal.index, goal));
}

/**
 * `limit` different goals drawn by weight (WebShop's `limit_goals`), in the order drawn; all of them when there
 * are no more than that. Indices stay.
 * @param random WebShop continues the shuffle's stream: `new PythonRandom(233)` after that shuffle gives its draw.
 * @param offByOne WebShop's draw (see `drawGoal`).
 */
export function limitGoals(
  goals: readonly Goal[],
  limit: number,
  random: PythonRandom,
  offByOne = true,
): readonly Goal[] {
  if (limit < 0 || limit >= goals.length) return goals;
  const sums = cumulativeWeights(goals);
  const reachable = goals.filter((goal, i) => {
    if (!offByOne) return goal.weight > 0;
    return (goals[i - 1]?.weight ?? 0) > 0 || (i === goals.length - 1 && goal.weight > 0);
  }).length;
  if (limit > reachable) {
    throw new RangeError(`Cannot draw ${limit} goals: only ${reachable} have a chance to be drawn.`);
  }
  const drawn = new Set<number>();
  while (drawn.size < limit) drawn.add(drawGoal(sums, random, offByOne));
  return [...drawn].map((position) => goals[position]!);
}

/** Running sums of the goals' weights, from 0: `[0, w0, w0 + w1, …]`. */
export function cumulativeWeights(goals: Iterable<{ readonly weight: number }>): number[] {
  const sums = [0];
  for (const { weight } of goals) sums.push(sums[sums.length - 1]! + weight);
  return sums;
}

/**
 * A random goal's position by weight.
 * @param sums from `cumulativeWeights`.
 * @param offByOne WebShop returns the goal after the one that was drawn, so goal 0 never comes up and the last has
 * its predecessor's weight beside its own (docs/quirks.md). False draws what the weights say.
 */
export function drawGoal(sums: readonly number[], random: PythonRandom, offByOne = true): number {
  const count = sums.length - 1;
  if (count < 1) throw new RangeError("There is no goal to draw.");
  const after = bisectRight(sums, random.uniform(sums[0]!, sums[count]!));
  return Math.min(offByOne ? after : after - 1, count - 1);
}

/** The price bound of one request: one of the tens just above the price, and the words that name it. */
function drawBound(price: number, random: PythonRandom): { upper: number; text: string } {
  const candidates: number[] = [];
  for (let bound = 10; bound <= 990 && candidates.length < 4; bound += 10) {
    if (bound > price) candidates.push(bound);
  }
  if (candidates.length < 2) return { upper: NO_BOUND, text: "" };
  const upper = Math.max(...random.sample(candidates, 2));
  return { upper, text: `, and price lower than ${upper.toFixed(2)} dollars` };
}

/** Python's `text.strip(".")`. */
function stripDots(text: string): string {
  let start = 0;
  let end = text.length;
  while (text[start] === ".") start++;
  while (end > start && text[end - 1] === ".") end--;
  return text.slice(start, end);
}

function target(product: Product): Pick<Goal, "asin" | "category" | "query" | "name" | "productCategory"> {
  const { asin, category, query, title, productCategory } = product;
  return { asin, category, query, name: title, productCategory };
}

/** Every choice of one value per group: names ascending, the last group's values turning fastest. */
function* optionCombinations(product: Product): Generator<[name: string, value: string][]> {
  const groups = [...product.options].sort((a, b) => byCodePoint(a.name, b.name));
  if (groups.some((group) => group.values.length === 0)) return;
  const turn = groups.map(() => 0);
  for (;;) {
    yield groups.map((group, i) => [group.name, group.values[turn[i]!]!]);
    let place = groups.length - 1;
    while (place >= 0 && ++turn[place]! === groups[place]!.values.length) turn[place--] = 0;
    if (place < 0) return;
  }
}
