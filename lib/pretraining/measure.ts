/** How well a model does the two decisions, on goals that it was not trained on. */
import { parseQuery, queryPrompt, withoutPrice } from "../agents/index.js";
import { stream } from "../base/index.js";
import type { Policy } from "../policy/index.js";
import type { Tokenizer } from "../model/index.js";
import { type Measurement, rowLoss, scoresOf } from "../imitation/index.js";
import { drawGoal, resultVerdictsRow, type Material, queryRow, selectRow } from "./tasks.js";

/**
 * `select`: fraction of lists of ten where the likeliest number is a best product's; `first`: the same for always the first.
 * `query`: fraction of goals whose target is among the first ten results of the likeliest query; `instruction`: the same for the
 * instruction as query. `selectLoss`, `queryLoss`, `judgeLoss` in nats.
 */
export async function measureBase(policy: Policy, material: Material, goals: number): Promise<Measurement> {
  const { tokenizer } = material;
  const rows = (name: string, make: typeof selectOf): ReturnType<typeof selectOf>[] =>
    Array.from({ length: goals }, (_, i) => make(material, stream("measure", name, i)));
  const selects = rows("select", selectOf);
  const queries = rows("query", (m, random) => queryRow(m, random, { care: 1 }));
  const verdicts = rows("judge", (m, random) => resultVerdictsRow(m, random, { listings: 10 }));
  const mean = async (of: typeof selects): Promise<number> => {
    const scores = await scoresOf(policy, of);
    return of.reduce((sum, row, i) => sum + rowLoss(row, scores[i]!), 0) / of.length;
  };
  return {
    ...(await choices(policy, tokenizer, selects)),
    ...(await searches(policy, material, goals)),
    selectLoss: await mean(selects),
    queryLoss: await mean(queries),
    judgeLoss: await mean(verdicts),
  };
}

function selectOf(material: Material, random: Parameters<typeof selectRow>[1]): ReturnType<typeof selectRow> {
  return selectRow(material, random, { listings: 10, resolve: 1 });
}

/** The numbers 1 to 10 with the token that ends an answer. */
export function numberChoices(tokenizer: Tokenizer): number[][] {
  return Array.from({ length: 10 }, (_, i) => [...tokenizer.encode(String(i + 1)), tokenizer.eosIds[0]!]);
}

async function choices(
  policy: Policy,
  tokenizer: Tokenizer,
  rows: readonly ReturnType<typeof selectRow>[],
): Promise<Measurement> {
  const numbers = numberChoices(tokenizer);
  const all = await scoresOf(
    policy,
    rows.map(({ prompt }) => ({ prompt, completions: numbers.map((ids) => ({ ids })) })),
  );
  let hits = 0;
  let first = 0;
  rows.forEach((row, r) => {
    const totals = all[r]!.map(({ logProbs }) => logProbs.reduce((sum, lp) => sum + lp, 0));
    const chosen = numbers[totals.indexOf(Math.max(...totals))]!;
    const isBest = (ids: readonly number[]): boolean =>
      row.completions.some((c) => c.ids.join() === ids.join());
    if (isBest(chosen)) hits++;
    if (isBest(numbers[0]!)) first++;
  });
  return { select: hits / rows.length, first: first / rows.length };
}

async function searches(policy: Policy, material: Material, goals: number): Promise<Measurement> {
  const { tokenizer } = material;
  const tasks = Array.from({ length: goals }, (_, i) => drawGoal(material, stream("measure", "search", i)));
  const samples = await policy.sample(
    tasks.map(({ goal }, i) => ({
      prompt: tokenizer.chat(queryPrompt(goal.instruction)),
      name: ["measure", i],
    })),
    { seed: 0, maxTokens: 32, temperature: 0, stop: tokenizer.eosIds },
  );
  let query = 0;
  let instruction = 0;
  tasks.forEach(({ shop, goal }, i) => {
    const found = (text: string): boolean =>
      shop.search(text, 10).some(({ index }) => shop.product(index).asin === goal.asin);
    if (found(parseQuery(tokenizer.decode(samples[i]![0]!.ids, { skipSpecials: true })))) query++;
    if (found(withoutPrice(goal.instruction))) instruction++;
  });
  return { query: query / tasks.length, instruction: instruction / tasks.length };
}
