/**
 * A training run on disk: the trained weights in Hugging Face's or PEFT's layout, and the optimiser's state. Going on
 * from it gives the same bits as never having stopped.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import {
  folderSums,
  InputError,
  readSealed,
  requireSums,
  writeFolderWhole,
  writeSealed,
} from "../base/index.js";
import { saveAdapter, SafetensorsFile, saveModel, writeSafetensors, type Weight } from "../model/index.js";
import type { Trainer } from "./trainer.js";

/** The file that makes a folder a checkpoint; it is written last. */
const STATE = "state.json";

const State = z.strictObject({
  format: z.literal("aisle-checkpoint-2"),
  step: z.number().int().nonnegative(),
  trained: z.enum(["model", "adapter"]),
  /** SHA-256 of every other file of the checkpoint, by path. */
  files: z.record(z.string(), z.string()),
});

/**
 * Saves a run as a folder: `adapter/` (or `model/`), `optimizer.safetensors`, whatever else the run wants kept, and
 * `state.json` with the checksums of all of it. It is written beside and put in place whole, so that an interruption leaves the
 * old checkpoint.
 * @param more further files, by name
 * @throws RunError when it cannot be written.
 */
export function saveCheckpoint(
  folder: string,
  trainer: Trainer,
  more: ReadonlyMap<string, string> = new Map(),
): void {
  const { policy, optimizer } = trainer;
  writeFolderWhole(folder, STATE, (part) => {
    const { model, adapter } = policy.files();
    if (policy.trains === "adapter") saveAdapter(join(part, "adapter"), adapter!);
    else saveModel(join(part, "model"), model);
    const tensors = new Map<string, Weight>();
    for (const { name, shape, offset, size } of policy.host.trained) {
      for (const moment of ["m", "v"] as const) {
        const data = optimizer[moment].subarray(offset, offset + size);
        tensors.set(`${moment}.${name}`, { shape, data: () => data });
      }
    }
    writeSafetensors(join(part, "optimizer.safetensors"), tensors);
    for (const [name, text] of more) writeFileSync(join(part, name), text);
    const files = folderSums(part);
    const state = { format: "aisle-checkpoint-2", step: trainer.steps, trained: policy.trains, files };
    writeSealed(join(part, STATE), state);
  });
}

/**
 * Reads a checkpoint's state and holds every file of it to its sum.
 * @throws InputError when the folder is no checkpoint, or was changed since it was written
 */
export function checkedCheckpoint(folder: string): z.infer<typeof State> {
  const path = join(folder, STATE);
  if (!existsSync(path)) throw new InputError(`${folder} is not a checkpoint: it has no state.json.`);
  const parsed = State.safeParse(readSealed(path, "checkpoint's state"));
  if (!parsed.success) throw new InputError(`${path} is not the state of a checkpoint of this version.`);
  requireSums(folder, parsed.data.files);
  return parsed.data;
}

/**
 * Puts a saved run's weights and optimiser state into a trainer of the same model and adapter.
 * @throws InputError when the folder is no checkpoint, was changed since it was written, or does not fit; the trainer is then as
 *   it was.
 */
export function resumeCheckpoint(folder: string, trainer: Trainer): void {
  const { policy, optimizer } = trainer;
  const { step, trained } = checkedCheckpoint(folder);
  if (trained !== policy.trains) {
    throw new InputError(`${folder} trained the ${trained}, and this run trains the ${policy.trains}.`);
  }
  const weights = new SafetensorsFile(
    join(folder, trained, `${trained === "model" ? "" : "adapter_"}model.safetensors`),
  );
  const moments = new SafetensorsFile(join(folder, "optimizer.safetensors"));
  // Everything is read and checked before anything is changed.
  const read = policy.host.trained.map(({ name, shape, offset }) => {
    const values = (file: SafetensorsFile, stored: string): Float32Array => {
      const place = file.tensors.get(stored);
      if (!place || place.shape.join() !== shape.join()) {
        throw new InputError(
          `${file.file} has no "${stored}" of shape [${shape.join(", ")}]: it belongs to another run.`,
        );
      }
      return file.read(stored).data as Float32Array;
    };
    return {
      offset,
      w: values(weights, name),
      m: values(moments, `m.${name}`),
      v: values(moments, `v.${name}`),
    };
  });
  for (const { offset, w, m, v } of read) {
    policy.parameters.set(w, offset);
    optimizer.m.set(m, offset);
    optimizer.v.set(v, offset);
  }
  optimizer.step = step;
  policy.changed();
}
