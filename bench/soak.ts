/**
 * Does a run's memory stay flat? 300 iterations of the embedded model on small batches, with the resident memory and the
 * tensors after every 50, and where the time went:
 *
 *     npx tsx bench/soak.ts [iterations] [workers]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { useBackend } from "../lib/tensor/index.js";
import { defaultCatalogue, openEnvironment } from "../lib/simulator/index.js";
import { type IterationTimes, parseGrpoRun, runGrpo, splitOf, splitText } from "../lib/runs/index.js";

async function main(iterations: number, workers: number): Promise<void> {
  await useBackend("wasm");
  const catalogue = await defaultCatalogue();
  const out = mkdtempSync(join(tmpdir(), "aisle-soak-"));
  const times: IterationTimes[] = [];
  try {
    await runGrpo({
      config: parseGrpoRun({
        kind: "grpo",
        name: "soak",
        model: "data/models/il",
        preset: "grpo",
        groups: { tasks: 2, size: 4 },
        sampling: { temperature: 0.7, maxTokens: 16 },
        update: { learningRate: 1e-5 },
        iterations,
        evaluate: { every: iterations, goals: 4 },
        checkpoint: 50,
        workers,
      }),
      environment: openEnvironment(catalogue),
      out,
      resume: false,
      onIteration: ({ iteration, seconds }) => {
        times.push(seconds);
        if (iteration % 50 !== 0 && iteration !== 10) return;
        console.log(`${iteration}: ${Math.round(seconds.rss / 1e6)} MB resident, ${seconds.tensors} tensors`);
      },
    });
  } finally {
    catalogue.close();
    rmSync(out, { recursive: true, force: true });
  }
  console.log(splitText(splitOf(times)!));
}

void main(Number(process.argv[2] ?? 300), Number(process.argv[3] ?? 2));
