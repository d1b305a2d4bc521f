/** How well a model does the two decisions, on goals that it was not trained on. */
import {
  aloudPrompt,
  aloudTexts,
  keywords,
  lineOf,
  type ListingText,
  parseQuery,
  queryPrompt,
  VERDICTS,
  verdictOf,
  withoutPrice,
} from "../agents/index.js";
import { stream } from "../base/index.js";
import type { Policy } from "../policy/index.js";
import type { Tokenizer } from "../model/index.js";
import { type Measurement, rewardOfMatched, rowLoss, scoresOf } from "../imitation/index.js";
import { drawGoal, resultVerdictsRow, type Material, queryRow, selectRow } from "./tasks.js";

/**
 * How the base reads aloud the first ten results of the instruction's own words, in an order drawn at random, greedily. `judged`: fraction
 * of the verdicts that are the reward's; `follows`: of the numbers that are the first of its own best verdicts; `best`: of the numbers that
 * are a most rewarding result, `bestChance` that of any number; `bought`: mean reward of the number, `boughtFirst` of the first result that
 * the search found.
 */
export async function measureAloud(
  policy: Policy,
  { tokenizer, shops }: Material,
  goals: number,
  list: ListingText,
): Promise<Measurement> {
  const verdicts = VERDICTS.map((word) => tokenizer.encode(word)[0]!);
  const lists = Array.from({ length: goals }, (_, i) => {
    const random = stream("measure", "aloud", i);
    const { shop, goal } = drawGoal({ tokenizer, shops }, random);
    const query = keywords(goal.instruction).join(" ");
    const found = shop.search(query, 10).map(({ index }) => index);
    const listed = random.shuffle(found);
    const texts = aloudTexts(listed.map((index) => lineOf(shop.product(index), list)));
    const given = texts.flatMap((text, at) => [
      ...tokenizer.encode(text),
      ...(at < listed.length ? [null] : []),
    ]);
    const prompt = tokenizer.chat(aloudPrompt(goal.instruction, query));
    return {
      rewards: listed.map((index) => rewardOfMatched(shop, index, goal)),
      first: listed.indexOf(found[0]!),
      given,
      prompt,
    };
  }).filter(({ rewards }) => rewards.length > 0);
  const samples = await policy.sample(
    lists.map(({ prompt, given }, i) => ({ prompt, given, name: ["measure", i] })),
    { seed: 0, maxTokens: 3, temperature: 0, stop: tokenizer.eosIds },
  );
  const sum = { judged: 0, judgments: 0, follows: 0, best: 0, chance: 0, bought: 0, first: 0 };
  lists.forEach(({ rewards, first, given }, i) => {
    const { ids } = samples[i]![0]!;
    const said = given.flatMap((id, at) => (id === null ? [verdicts.indexOf(ids[at]!)] : []));
    const number = Number(tokenizer.decode(ids.slice(given.length), { skipSpecials: true })) - 1;
    const chosen = rewards[number] === undefined ? 0 : number;
    const most = Math.max(...rewards) - 1e-9;
    said.forEach((verdict, at) => (sum.judged += verdict === verdictOf(rewards[at]!) ? 1 : 0));
    sum.judgments += said.length;
    sum.follows += chosen === said.indexOf(Math.max(...said)) ? 1 : 0;
    sum.best += rewards[chosen]! >= most ? 1 : 0;
    sum.chance += rewards.filter((reward) => reward >= most).length / rewards.length;
    sum.bought += rewards[chosen]!;
    sum.first += rewards[first]!;
  });
  const of = lists.length;
  return {
    judged: sum.judged / sum.judgments,
    follows: sum.follows / of,
    best: sum.best / of,
    bestChance: sum.chance / of,
    bought: sum.bought / of,
    boughtFirst: sum.first / of,
  };
}

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
