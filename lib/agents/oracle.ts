import {
  type Environment,
  type Goal,
  type Product,
  resolveQuirks,
  rewardOf,
  type SessionState,
} from "../simulator/index.js";
import { clickAction, Episode, resultsOn, searchAction } from "./episode.js";
import type { Agent, Trajectory } from "./types.js";

/** A product to open: its place and the options with the highest reward. */
interface Find {
  /** Results page, from 1. */
  readonly page: number;
  readonly asin: string;
  readonly options: readonly string[];
  readonly reward: number;
}

/**
 * WebShop's choice oracle (Yao et al. 2022, section 5.2): it sees the hidden reward, tries every result of a query and
 * every combination of options, and buys the best. What it tries, it tries on copies of the session, through the
 * real pages; it plays the direct way there, so that its trajectories are demonstrations.
 */
export class OracleAgent implements Agent {
  readonly name = "oracle";
  readonly settings: { readonly pages: number };

  /** @param pages results pages it looks through: 5, all that a search returns. */
  constructor(pages = 5) {
    this.settings = { pages };
  }

  play(environment: Environment, goal: number): Trajectory {
    const episode = new Episode(environment, goal);
    const query = searchAction(episode.goal.instruction);
    const best = findBest(environment, episode.state, query, episode.goal, this.settings.pages);
    episode.act(query);
    if (best !== null) {
      for (let page = 1; page < best.page; page++) episode.act(clickAction("next >"));
      episode.act(clickAction(best.asin.toLowerCase()));
      for (const option of best.options) episode.act(clickAction(option));
      episode.act(clickAction("buy now"));
    }
    return episode.trajectory(this.name);
  }
}

/**
 * The best purchase that a query's results allow; of equals the one that stands first. Null where it finds nothing.
 * @param state a session from which the query is searched; it is not changed.
 * @param query a search action.
 */
export function findBest(
  environment: Environment,
  state: SessionState,
  query: string,
  goal: Goal,
  pages = 5,
): Find | null {
  const quirks = resolveQuirks(environment.settings.compat, environment.settings.quirks);
  const { catalogue } = environment;
  const nouns = (title: string): readonly string[] => environment.nounsOf(title);
  let best: Find | null = null;
  let at = environment.step(state, query).state;
  for (let page = 1; page <= pages; page++) {
    const products = resultsOn(environment, at);
    for (const product of products) {
      const price = catalogue.price(catalogue.indexOf(product.asin));
      const bare = rewardOf({ product, price, options: {} }, goal, quirks, nouns);
      // With every wanted option it could reach this; most products end here.
      const bound = bare.total + bare.rType * (bare.wOption ?? 0) * (1 - (bare.rOption ?? 0));
      if (best !== null && bound <= best.reward + 1e-9) continue;
      const options = bestOptions(product, goal, (value, wanted) => {
        const one = { ...goal, attributes: [], options: [wanted] };
        return rewardOf({ product, price, options: { value } }, one, quirks, nouns).rOption === 1;
      });
      const chosen = Object.fromEntries(options.map((value, i) => [String(i), value]));
      const reward = rewardOf({ product, price, options: chosen }, goal, quirks, nouns).total;
      if (best === null || reward > best.reward + 1e-9) best = { page, asin: product.asin, options, reward };
      if (reward === 1) return best;
    }
    if (products.length === 0) break;
    at = environment.step(at, clickAction("next >")).state;
  }
  return best;
}

/**
 * The values that together satisfy the most wanted options, at most one per group, none that adds nothing. Whether a
 * value satisfies a wanted option depends on the two alone, so each value is a set of those and the groups are joined one
 * after another: groups × values × sets, instead of the product of all groups' sizes.
 */
export function bestOptions(
  product: Product,
  goal: Goal,
  satisfies: (value: string, wanted: Goal["options"][number]) => boolean,
): string[] {
  // A value that stands in two groups clicks the later one (docs/webshop.md §4.1).
  const groupOf = new Map<string, number>();
  product.options.forEach((group, i) => group.values.forEach((value) => groupOf.set(value, i)));
  let reached = new Map<number, readonly string[]>([[0, []]]);
  product.options.forEach((group, i) => {
    const sets = new Map<number, string>();
    for (const value of group.values) {
      if (groupOf.get(value) !== i) continue;
      let set = 0;
      goal.options.forEach((wanted, bit) => {
        if (satisfies(value, wanted)) set |= 1 << bit;
      });
      // An exact match first: "large" satisfies "x-large" too, but a demonstration should say what was asked.
      if (set !== 0 && (!sets.has(set) || isWanted(value, goal))) sets.set(set, value);
    }
    const next = new Map(reached);
    for (const [had, values] of reached) {
      for (const [set, value] of sets) {
        const known = next.get(had | set);
        if (known === undefined || known.length > values.length + 1) next.set(had | set, [...values, value]);
      }
    }
    reached = next;
  });
  let best: readonly string[] = [];
  let most = 0;
  for (const [set, values] of reached) {
    const count = bits(set);
    if (count > most || (count === most && values.length < best.length)) [best, most] = [values, count];
  }
  return [...best];
}

function isWanted(value: string, goal: Goal): boolean {
  return goal.options.some((wanted) => (typeof wanted === "string" ? wanted : wanted[1]) === value);
}

function bits(set: number): number {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
}
