/** The origin of a training run: the things that its configuration only names. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { fingerprintOf } from "../../agents/index.js";
import { checked, InputError, readJson, writeJson } from "../../base/index.js";
import { findModel, modelFolder } from "../../model/files/index.js";
import type { Catalogue } from "../../simulator/index.js";
import { type Foundations, foundations, provenance, provenanceSchema } from "../../records/index.js";
import { pluginsNow, requirePlugins } from "./loaded-plugins.js";

const schema = z.strictObject({ ...foundations.shape, provenance: provenanceSchema });

export type Origin = z.infer<typeof schema>;

/**
 * The origin of a run that would begin now.
 * @param model its start, a folder or a model that was pulled; null where it begins from random weights
 */
export function foundationsOf(
  model: string | null,
  catalogue: Pick<Catalogue, "fingerprint" | "size" | "goalCount">,
  backend: string,
): Foundations {
  return {
    data: { fingerprint: catalogue.fingerprint, products: catalogue.size, goals: catalogue.goalCount },
    start:
      model === null
        ? { name: "random weights", fingerprint: "none" }
        : { name: model, fingerprint: fingerprintOf(findModel(model)) },
    backend,
    ...pluginsNow(),
  };
}

/** Notes beside a run's configuration what it begins from, with the code's commit. */
export function writeOrigin(folder: string, from: Foundations): void {
  writeJson(join(folder, "origin.json"), { ...from, provenance: provenance(0) });
}

/** The origin of a run; null for a run of a version that did not note it. @throws InputError for a file that is none. */
export function readOrigin(folder: string): Origin | null {
  const path = join(folder, "origin.json");
  return existsSync(path) ? checked(schema, readJson(path, "origin of a run"), path) : null;
}

/**
 * @param what begins the sentence, e.g. `The run in data/training/grpo-0`
 * @throws InputError when something is no longer what it was, saying what
 */
export function requireSame(what: string, then: Foundations, now: Foundations): void {
  requirePlugins(what, then.plugins);
  const changed =
    then.data.fingerprint !== now.data.fingerprint
      ? `the shop has changed since (its fingerprint was ${then.data.fingerprint.slice(0, 12)} and is ${now.data.fingerprint.slice(0, 12)})`
      : then.start.fingerprint !== now.start.fingerprint
        ? `the model that it began from, ${then.start.name}, has changed since`
        : then.backend !== now.backend
          ? `it ran on the backend ${then.backend}, and this is ${now.backend} (AISLE_BACKEND chooses)`
          : null;
  if (changed) throw new InputError(`${what} cannot be used: ${changed}.`);
}

/** A model's fingerprint as it is now; null where the model is not on this machine. */
export function fingerprintNow(model: string): string | null {
  const folder = modelFolder(model);
  return folder === undefined ? null : fingerprintOf(folder);
}
