/**
 * Plays the first test goals of several trained agents again and prints their episodes as JSON. A process of its own, since the one that
 * tests may have another backend in use; one for all agents, since starting is what takes the time.
 *
 *   node --import tsx test/runs/replay.ts '{"goals": 6, "agents": {"il": 0, "grpo": 1}}'     an agent's name and the seed to play
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { useBackend } from "../../lib/tensor/index.js";
import { defaultCatalogue, openEnvironment } from "../../lib/simulator/index.js";
import { agentOf, evaluate } from "../../lib/runs/index.js";
import { type EpisodeResult, episodesOf, replayEpisode } from "../../lib/records/index.js";

const { goals, agents } = JSON.parse(process.argv[2]!) as { goals: number; agents: Record<string, number> };
const runs = mkdtempSync(join(tmpdir(), "aisle-replay-"));
try {
  await useBackend("wasm"); // records are made on it
  const catalogue = await defaultCatalogue();
  const environment = openEnvironment(catalogue);
  const played: Record<string, readonly EpisodeResult[]> = {};
  for (const [name, seed] of Object.entries(agents)) {
    // The empty folder makes it play instead of reading the record.
    const { record } = await evaluate({
      agent: await agentOf(name),
      environment,
      split: "test",
      goals: { first: 0, count: goals },
      seeds: [seed],
      runs,
    });
    played[name] = record.results;
    // What was kept of them leads there again, without the model.
    for (const kept of episodesOf(record)) {
      if (!replayEpisode(record, kept, environment).sameShown)
        throw new Error(`${name} was shown something else in goal ${kept.goal}.`);
    }
  }
  catalogue.close();
  process.stdout.write(JSON.stringify(played));
} finally {
  rmSync(runs, { recursive: true, force: true });
}
