import { InputError } from "../base/index.js";
import { note, printJson } from "./common.js";
import type { AddVerb } from "./verb.js";

interface CompareFlags {
  readonly with?: string;
  readonly runs?: string;
  readonly json?: boolean;
}

/** `aisle compare`: paired tests between agents on the test goals, from their records. */
export const addCompare: AddVerb = (program) => {
  program
    .command("compare")
    .description(
      "paired permutation tests between agents on the test goals, Holm-corrected, from their records",
    )
    .argument("[agents...]", "agents to compare; without any: trained families with il, and with one another")
    .option("--with <agent>", "what each is compared with (default: the last of the agents)")
    .option("--runs <folder>", "where records live (default: runs, read together with data/runs)")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nA goal's value is its mean over seeds; the sign of each goal's difference is exchanged at random. All tests of\n" +
        "one call, score and success, are one family for Holm's correction." +
        "\n\nExamples:\n  aisle compare\n  aisle compare grpo rloo --with il",
    )
    .action(async (agents: string[], flags: CompareFlags) => {
      const { comparePairs, comparisonSection, expectedAgentsIn, learningPairs, mainResults } =
        await import("../results/index.js");
      const { ownFolder } = await import("../records/index.js");
      const { seedsOf, studyShop, toText } = await import("../results/index.js");
      const { ensureShop } = await import("../simulator/index.js");
      const other = flags.with ?? (agents.length > 1 ? agents.at(-1)! : undefined);
      const asked = flags.with === undefined ? agents.slice(0, -1) : agents;
      if (agents.length > 0 && (other === undefined || asked.length === 0)) {
        throw new InputError("Name at least two agents, e.g. `aisle compare grpo il`.");
      }
      const runs = flags.runs ?? ownFolder;
      const { fingerprint, products, goals } = await ensureShop();
      const shop = studyShop({ fingerprint, size: products, goalCount: goals });
      const names = other === undefined ? [] : [...asked, other];
      const expected =
        other === undefined
          ? expectedAgentsIn(runs)
          : names.map((agent) => ({ agent, seeds: seedsOf(agent, shop, runs), start: null }));
      const results = mainResults(shop, runs, expected);
      for (const { agent, record } of results) {
        if (!record) note(`${agent} has no record over all test goals, and is left out.`);
      }
      const pairs = other === undefined ? learningPairs(results) : asked.map((a) => [a, other] as const);
      const compared = comparePairs(results, pairs);
      if (flags.json) {
        printJson({ tests: 2 * compared.length, comparisons: compared });
        return;
      }
      if (compared.length === 0) throw new InputError("There is no pair of agents with records to compare.");
      process.stdout.write(
        toText({ name: "comparisons", sections: [comparisonSection("", compared)], notes: [] }),
      );
    });
};
