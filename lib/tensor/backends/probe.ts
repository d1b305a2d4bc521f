import { execFile } from "node:child_process";
import { join } from "node:path";
import { BACKENDS, type BackendName } from "./use.js";

/** The result of trying a backend. */
export interface BackendProbe {
  readonly name: BackendName;
  /** Whether a matrix product came out right. Loading is not enough. */
  readonly available: boolean;
  /** Why not, in one sentence. */
  readonly reason?: string;
  /** Speed of a square matrix product, 10⁹ floating-point operations a second, copying the result back included. */
  readonly gflops?: number;
}

/** A driver that hangs is a driver that does not work. */
const PATIENCE_MS = 120_000;

/**
 * Tries a backend in a process of its own, where a driver may crash or hang without harm.
 * @param patience milliseconds to wait
 */
export function probeBackend(name: BackendName, patience = PATIENCE_MS): Promise<BackendProbe> {
  const script = join("lib", "tensor", "backends", "probe-child.ts");
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ["--import", "tsx", script, name],
      {
        timeout: patience,
        killSignal: "SIGKILL",
        env: { ...process.env, NODE_OPTIONS: "", TF_CPP_MIN_LOG_LEVEL: "3" },
      },
      (error, stdout) => {
        const result = answerIn(stdout);
        if (result?.gflops !== undefined) resolve({ name, available: true, gflops: result.gflops });
        else resolve({ name, available: false, reason: result?.reason ?? howItEnded(error) });
      },
    );
  });
}

/** Tries every backend, one after another so that they do not slow each other down. */
export async function probeBackends(): Promise<BackendProbe[]> {
  const probes: BackendProbe[] = [];
  for (const name of BACKENDS) probes.push(await probeBackend(name));
  return probes;
}

/** The child's last line; libraries may print before it. */
function answerIn(stdout: string): { gflops?: number; reason?: string } | undefined {
  try {
    return JSON.parse(stdout.trim().split("\n").pop()!) as { gflops?: number; reason?: string };
  } catch {
    return undefined;
  }
}

function howItEnded(
  error: { killed?: boolean; signal?: string | null; code?: number | string | null } | null,
): string {
  if (error?.killed === true) return "it did not answer in time";
  if (typeof error?.signal === "string") return `its process was ended by ${error.signal}`;
  return `its process ended with code ${error?.code ?? 0} and no answer`;
}
