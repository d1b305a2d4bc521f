/**
 * Exercises about prices that teachers set beside the demonstrations. In nine real lists of ten the first result can be afforded, so that a
 * learner of whole lists finds out that the first is a good guess and little else. These rows ask about prices alone, and often.
 */
import { listingLine, priceBound, selectPrompt } from "../agents/index.js";
import { type Random, stream } from "../base/index.js";
import { packedLength } from "../policy/index.js";
import { type Tokenizer } from "../model/index.js";
import type { Catalogue, Goal, Product } from "../simulator/index.js";
import { carelessQuery } from "./demonstrations/queries.js";
import { shownPrice } from "./demonstrations/teachers.js";
import { verdictHead, verdictRow } from "./verdicts.js";
import { taught, type TaughtRow } from "./supervised.js";

/** Results that exercises are made of: all that a search returns. */
const RESULTS = 50;

/** The parts of an exercise: a request, a query of it and its results, expensive and affordable ones. */
interface Theme {
  readonly goal: Goal;
  readonly query: string;
  readonly affordable: readonly Product[];
  readonly expensive: readonly Product[];
}

function themeOf(catalogue: Catalogue, goal: Goal, random: Random): Theme {
  const query = carelessQuery(goal, random);
  const bound = priceBound(goal.instruction);
  const products = random.shuffle(
    catalogue.search(query, RESULTS).map(({ index }) => catalogue.product(index)),
  );
  const within = (product: Product): boolean => shownPrice(product.pricing) <= bound;
  return {
    goal,
    query,
    affordable: products.filter(within),
    expensive: products.filter((product) => !within(product)),
  };
}

/** Rating the prices of a list, verdict beside each: about as many can be afforded as not. */
export function priceRow(
  tokenizer: Tokenizer,
  { goal, query, affordable, expensive }: Theme,
  random: Random,
): TaughtRow | null {
  if (affordable.length === 0 || expensive.length === 0) return null;
  const count = 2 + random.below(7);
  const cheap = Math.min(affordable.length, Math.ceil(count / 2));
  const listed = random.shuffle([...affordable.slice(0, cheap), ...expensive.slice(0, count - cheap)]);
  const scores = listed.map((product) => (affordable.includes(product) ? 1 : 0));
  const row = verdictRow(tokenizer, verdictHead(goal.instruction, query), listed.map(listingLine), scores);
  return { ...row, task: "price" };
}

/** Choosing the first that can be afforded from a list in which it stands anywhere. */
export function readingRow(
  tokenizer: Tokenizer,
  { goal, query, affordable, expensive }: Theme,
  random: Random,
  longest: number,
): TaughtRow | null {
  const count = 2 + random.below(longest - 1);
  const at = Math.min(random.below(count), expensive.length);
  if (affordable.length === 0) return null;
  const rest = random.shuffle([...affordable.slice(1), ...expensive.slice(at)]);
  const listed = [...expensive.slice(0, at), affordable[0]!, ...rest.slice(0, count - at - 1)];
  const prompt = tokenizer.chat(selectPrompt(goal.instruction, query, listed));
  return {
    task: "reading",
    weight: 1,
    prompt,
    completions: [taught([...tokenizer.encode(String(at + 1)), tokenizer.eosIds[0]!])],
  };
}

export interface ExerciseOptions {
  readonly goals: readonly Goal[];
  readonly seed: number;
  /** Weights of a row of each kind; null leaves the kind out. */
  readonly price: number | null;
  readonly reading: number | null;
  readonly maxPositions: number;
}

/** One exercise of each kind for each goal, a function of the seed. */
export function exerciseRows(
  catalogue: Catalogue,
  tokenizer: Tokenizer,
  { goals, seed, price, reading, maxPositions }: ExerciseOptions,
): TaughtRow[] {
  const rows = goals.flatMap((goal) => {
    const random = stream(seed, "drill", goal.index);
    const theme = themeOf(catalogue, goal, random);
    const prices = price === null ? null : priceRow(tokenizer, theme, random);
    // Short lists and long: two of each three have at most four results.
    const readings =
      reading === null
        ? []
        : [4, 4, 10].map((longest) =>
            readingRow(tokenizer, themeOf(catalogue, goal, random), random, longest),
          );
    return [
      ...(prices ? [{ ...prices, weight: price! }] : []),
      ...readings.flatMap((row) => (row ? [{ ...row, weight: reading! }] : [])),
    ];
  });
  return rows.filter((row) => packedLength(row) <= maxPositions);
}
