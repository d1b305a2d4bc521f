import { existsSync, readdirSync } from "node:fs";
import path from "node:path";

/** A backend on this machine. */
export interface Backend {
  readonly name: string;
  readonly available: boolean;
  /** Why it is not, and what would give it. */
  readonly reason?: string;
  /** Of a float32 matrix product, in 10^9 operations a second. */
  readonly gflops?: number;
}

/** The output of `aisle doctor --json`. */
export interface DoctorReport {
  readonly node: string;
  readonly npm: string | null;
  readonly backends: readonly Backend[];
  /** The backend in use when nothing else is said. */
  readonly selected: string;
  readonly kernel: { readonly works: boolean; readonly reason?: string; readonly registered: boolean };
  readonly jupyter: string | null;
  readonly latex: string | null;
  readonly rsvg: string | null;
  readonly data: readonly { readonly path: string; readonly products: number; readonly goals: number }[];
  readonly models: readonly string[];
}

/** Looks at everything. */
export async function examine(): Promise<DoctorReport> {
  const { checkKernel, jupyterVersion, modelFolders, versionOf } = await import("../../notebook/index.js");
  const kernel = await checkKernel();
  const [npm, latex, rsvg] = await Promise.all(
    ["npm", "latexmk", "rsvg-convert"].map((program) => versionOf(program)),
  );
  const { backends, selected } = await probe();
  return {
    node: process.versions.node,
    npm: npm ?? null,
    backends,
    selected,
    kernel,
    jupyter: jupyterVersion(),
    latex: latex ?? null,
    rsvg: rsvg ?? null,
    data: await shops(),
    models: modelFolders("data"),
  };
}

async function probe(): Promise<{ backends: readonly Backend[]; selected: string }> {
  const { backendNamed, probeBackends } = await import("../../tensor/index.js");
  const requested = process.env["AISLE_BACKEND"];
  // Named before any is tried: a misspelt name should cost nothing.
  const selected = requested ? backendNamed(requested) : "wasm";
  return { backends: await probeBackends(), selected };
}

async function shops(): Promise<DoctorReport["data"]> {
  const { isCatalogue, readManifest } = await import("../../simulator/index.js");
  if (!existsSync("data")) return [];
  return readdirSync("data", { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.posix.join("data", entry.name))
    .filter((folder) => isCatalogue(folder))
    .flatMap((folder) => {
      try {
        const { products, goals } = readManifest(folder);
        return [{ path: folder, products, goals }];
      } catch {
        return []; // of an older format: made anew on next use
      }
    });
}
