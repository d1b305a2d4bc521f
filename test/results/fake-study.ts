/** A study of fake agents on a fake shop: records of every agent of the main table that needs no training, in a fresh folder. */
import { join } from "node:path";
import { mainResults, publishedResults, type StudyData, type StudyShop } from "../../lib/results/index.js";
import { evaluate } from "../../lib/runs/index.js";
import { fakeAgent, fakeEnvironment } from "../runs/fakes.js";

export const fakeShop: StudyShop = {
  fingerprint: "fake-1",
  products: 10_000,
  goals: 60,
  test: { first: 0, count: 40 },
};
const published = publishedResults();

/** @param folder where `runs` is made */
export async function fakeStudy(folder: string): Promise<StudyData> {
  const runs = join(folder, "runs");
  const environment = fakeEnvironment(60);
  for (const [agent, seeds] of [
    ["random", [0, 1, 2]],
    ["prompted", [0, 1, 2]],
    ["il", [0, 1, 2]],
    ["rule", [0]],
    ["match", [0]],
    ["oracle", [0]],
  ] as const) {
    const goals = { first: 0, count: 40 };
    await evaluate({ agent: fakeAgent(agent), environment, split: "test", goals, seeds, runs });
  }
  return {
    shop: fakeShop,
    results: mainResults(fakeShop, runs),
    published,
    training: [],
    ablations: [],
    episode: null,
    judged: null,
  };
}
