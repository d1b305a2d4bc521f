import { spawn } from "node:child_process";
import { codeOf } from "../base/index.js";

/** The result of an outside program. */
export interface ToolResult {
  /** False when the program is not installed. */
  readonly found: boolean;
  readonly code: number | null;
  /** stdout and stderr together. */
  readonly output: string;
}

/**
 * Runs an outside program (latexmk, rsvg-convert) to its end. Dates that such programs write into their files are
 * pinned, so that the same input gives the same bytes.
 */
export function runTool(
  program: string,
  args: readonly string[],
  options: { cwd?: string; timeoutSeconds?: number } = {},
): Promise<ToolResult> {
  const { cwd, timeoutSeconds = 120 } = options;
  return new Promise((resolve, reject) => {
    const env = { ...process.env, SOURCE_DATE_EPOCH: "0", FORCE_SOURCE_DATE: "1", LC_ALL: "C" };
    const child = spawn(program, [...args], {
      cwd,
      env,
      timeout: timeoutSeconds * 1000,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    child.on("error", (error) => {
      if (codeOf(error) === "ENOENT") resolve({ found: false, code: null, output: "" });
      else reject(error);
    });
    child.on("close", (code) => resolve({ found: true, code, output }));
  });
}
