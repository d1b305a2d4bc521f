/**
 * Is GiGPO's credit better than GRPO's on this shop? Plays episodes of train goals with the model that multi-turn training begins
 * from, judges every decision by fresh continuations, and keeps what it found for notebook 06 and for the table it prints:
 *
 *     npx tsx bench/credit.ts [goals] [samples] [continuations]
 *
 * The defaults take some ten minutes of one core.
 */
import { openPlayer } from "../lib/agents/index.js";
import { defaultCatalogue, openEnvironment, splitRanges } from "../lib/simulator/index.js";
import { agreement, judgeDecisions, judgedFile, writeJudged } from "../lib/credit/index.js";
import { parseGrpoRun } from "../lib/runs/index.js";
import { readJson } from "../lib/base/index.js";

/** Train goals are taken this far apart, beginning here. */
const [FIRST, APART] = [200, 70];

async function main(goals: number, samples: number, continuations: number): Promise<void> {
  const run = parseGrpoRun(readJson("configs/gigpo.json"));
  const { sampling } = run.learner;
  const { maxSteps, repair } = run.multiTurn!;
  const player = await openPlayer("credit", run.model, "it comes with the project");
  const catalogue = await defaultCatalogue();
  try {
    const { start } = splitRanges(catalogue.goalCount).train;
    const indices = Array.from({ length: goals }, (_, i) => start + FIRST + i * APART);
    const how = {
      samples,
      continuations,
      temperature: sampling.temperature,
      maxTokens: sampling.maxTokens,
      maxSteps,
    };
    const judged = await judgeDecisions(
      player.policy,
      player.tokenizer,
      openEnvironment(catalogue),
      indices,
      {
        ...how,
        ...(repair === undefined ? {} : { repair }),
        seed: 0,
        onGoal: (done, total) => process.stderr.write(`\rgoal ${done} of ${total}`),
      },
    );
    process.stderr.write("\n");
    const identity = { ...how, repair, seed: 0, model: player.model, shop: catalogue.fingerprint };
    writeJudged(judgedFile, { identity, judged });
    for (const reward of ["score", "success"] as const)
      for (const size of [4, 8, 16].filter((n) => n <= samples))
        for (const stepWeight of [0, 1]) {
          const { correlation, decisions, sign } = agreement(judged, {
            reward,
            size,
            stepWeight,
            gamma: 0.95,
          });
          console.log(
            `${reward}, groups of ${size}, ω ${stepWeight}: correlation ${correlation.value.toFixed(3)} ` +
              `[${correlation.lo.toFixed(3)}, ${correlation.hi.toFixed(3)}], sign right ${(100 * sign).toFixed(1)} %, ${decisions} decisions`,
          );
        }
  } finally {
    catalogue.close();
  }
}

const [goals = 16, samples = 16, continuations = 4] = process.argv.slice(2).map(Number);
await main(goals, samples, continuations);
