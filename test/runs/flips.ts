import { strict as assert } from "node:assert";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { folderSums, stream } from "../../lib/base/index.js";
import { type GrpoRunOptions, runGrpo } from "../../lib/runs/index.js";
import { saveTinyModel, tinyRun, tinyShop } from "./tiny-run.js";

/**
 * Flips one bit at a time in what a stopped run goes on from, and goes on: each flip is refused in a sentence, or the run ends as
 * an undisturbed one.
 * @param howMany flips, given how many files there are; they take turns
 * @returns how many of them were refused
 */
export async function flipCheckpoint(
  howMany: (files: number) => number,
): Promise<{ refused: number; flips: number }> {
  const root = mkdtempSync(join(tmpdir(), "aisle-flips-"));
  try {
    const environment = tinyShop();
    saveTinyModel(join(root, "start"), environment);
    // PPO, so that there is a critic to lose as well.
    const config = tinyRun(join(root, "start"), { preset: "ppo", iterations: 3 });
    const run = (out: string, more: Partial<GrpoRunOptions>): ReturnType<typeof runGrpo> =>
      runGrpo({ config, environment, out: join(root, out), resume: false, ...more });
    const results = (out: string): object[] => [
      folderSums(join(root, out, "model")),
      [readFileSync(join(root, out, "metrics.jsonl"), "utf8")],
    ];
    await run("whole", {});
    const controller = new AbortController();
    await run("stopped", {
      signal: controller.signal,
      onIteration: ({ iteration }) => iteration === 2 && controller.abort(),
    });
    const files = Object.keys(folderSums(join(root, "stopped"))).filter((name) =>
      /^(checkpoints\/|metrics\.jsonl|progress\.json)/.test(name),
    );
    for (const name of ["model.safetensors", "optimizer.safetensors", "value-head.json", "state.json"])
      assert.ok(
        files.some((file) => file.endsWith(name)),
        name,
      );
    const flips = howMany(files.length);
    const random = stream(11, "flips");
    let refused = 0;
    for (let flip = 0; flip < flips; flip++) {
      const file = join(root, "hurt", files[flip % files.length]!);
      rmSync(join(root, "hurt"), { recursive: true, force: true });
      cpSync(join(root, "stopped"), join(root, "hurt"), { recursive: true });
      const bytes = readFileSync(file);
      const at = random.below(bytes.length);
      bytes[at]! ^= 1 << random.below(8);
      writeFileSync(file, bytes);
      try {
        await run("hurt", { resume: true });
      } catch (error) {
        assert.equal((error as Error).name, "InputError", `${file}: ${String(error)}`);
        assert.match((error as Error).message, /was changed since|is not JSON|is not the|has no seal/);
        refused += 1;
        continue;
      }
      assert.deepEqual(results("hurt"), results("whole"), `a flip at byte ${at} of ${file}`);
    }
    return { refused, flips };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
