import { dirname } from "node:path";
import type { Agent } from "../../lib/agents/index.js";
import { type EpisodeResult, readRecord, writeRecord } from "../../lib/records/index.js";
import type { Catalogue, Environment, Goal, RewardParts } from "../../lib/simulator/index.js";

/** A catalogue that knows only its goals: enough for whoever evaluates without looking inside the shop. */
export function fakeEnvironment(goalCount = 12, fingerprint = "fake-1"): Environment {
  const goal = (index: number): Goal => ({
    index,
    asin: `B${String(index).padStart(9, "0")}`,
    category: "garden",
    query: "spade",
    name: "A spade",
    productCategory: "Garden › Tools",
    instruction: "i want a spade",
    attributes: ["steel", "long"].slice(0, 1 + (index % 2)),
    options: index % 3 === 0 ? [] : ["red"],
    priceUpper: 50,
    weight: 1,
  });
  const unused = (): never => {
    throw new Error("not part of this fake");
  };
  const catalogue: Catalogue = {
    size: 100,
    fingerprint,
    goalCount,
    goal,
    product: unused,
    indexOf: unused,
    price: unused,
    search: unused,
    where: unused,
  };
  return {
    catalogue,
    settings: {
      mode: "text",
      compat: "webshop",
      showAttributes: false,
      previousObservations: 0,
      previousActions: 0,
    },
    tagger: "none",
    nounsOf: unused,
    reset: unused,
    observe: unused,
    actions: unused,
    step: unused,
  };
}

/** An agent whose rewards are a function of goal and stream; it counts the episodes that it played. */
export function fakeAgent(name = "fake", settings: Record<string, unknown> = {}): Agent & { played: number } {
  const sides = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0); // each agent has its own luck
  return {
    name,
    settings,
    played: 0,
    play(environment, goal, random) {
      this.played++;
      const { attributes, options } = environment.catalogue.goal(goal);
      const rType = [0.1, 0.5, 1][random.below(100 + sides) % 3]!;
      if (goal % 5 === 4) return { goal, agent: name, steps: [step, step], reward: 0, parts: null };
      const parts: RewardParts = {
        total: rType,
        rType,
        rAtt: 1,
        rOption: options.length === 0 ? null : 1,
        rPrice: 1,
        wAtt: attributes.length / (attributes.length + options.length + 1),
        wOption: options.length === 0 ? null : 0.5,
        wPrice: 0.5,
        queryMatch: true,
        categoryMatch: true,
        titleScore: 1,
      };
      return { goal, agent: name, steps: [step, step, step], reward: rType, parts };
    },
  };
}

const step = { observation: "page", action: "click[buy now]", reward: 0, valid: true };

/** Writes a record anew in which goal 1 of seed 0 was paid less, as if it had been played so. */
export function paidLess(path: string): void {
  const { identity, results } = readRecord(path);
  const less = (one: EpisodeResult): EpisodeResult =>
    one.seed === 0 && one.goal === 1 ? { ...one, reward: one.reward / 2, rType: one.rType / 2 } : one;
  const { outcome } = writeRecord({ identity, results: results.map(less), seconds: 0 }, dirname(path));
  if (outcome !== "changed") throw new Error(`${path} was not changed`);
}
