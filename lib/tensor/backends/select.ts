import { InputError } from "../../base/index.js";
import { probeBackend } from "./probe.js";
import { BACKENDS, useBackend, type BackendName } from "./use.js";

/** The facts that decide which backend runs. */
export interface BackendChoice {
  /** `thesis` takes the fastest that works; every other profile takes `wasm`, whose bits are the same everywhere. */
  readonly profile?: string;
  /** A backend by name, as in the environment variable AISLE_BACKEND; goes before the profile. Empty counts as absent. */
  readonly requested?: string | undefined;
}

/**
 * Chooses a backend and makes it the current one.
 * @throws InputError when the one asked for has no such name or is not present.
 */
export async function selectBackend({ profile, requested }: BackendChoice = {}): Promise<BackendName> {
  const name =
    requested !== undefined && requested !== ""
      ? backendNamed(requested)
      : profile === "thesis"
        ? await fastestBackend()
        : "wasm";
  await useBackend(name);
  return name;
}

/** @throws InputError listing the names when this is not one of them. */
export function backendNamed(name: string): BackendName {
  const found = BACKENDS.find((backend) => backend === name);
  if (found !== undefined) return found;
  throw new InputError(`There is no backend "${name}"; AISLE_BACKEND may be ${BACKENDS.join(", ")}.`);
}

/** The first in order that computes correctly and not slower than `wasm` (as a graphics driver that runs on the CPU would). */
async function fastestBackend(): Promise<BackendName> {
  const wasm = await probeBackend("wasm");
  for (const name of BACKENDS.slice(0, BACKENDS.indexOf("wasm"))) {
    const probe = await probeBackend(name);
    if (probe.available && probe.gflops! >= (wasm.gflops ?? 0)) return name;
  }
  return wasm.available ? "wasm" : "cpu";
}
