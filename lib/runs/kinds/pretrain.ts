/** `"kind": "pretrain"`: a small base model from nothing, on the texts of other shops. */
import { basename } from "node:path";
import { folderAgent } from "../../agents/index.js";
import { InputError, sha256 } from "../../base/index.js";
import { parseImitationConfig, type PretrainConfig, workFolder } from "../../imitation/index.js";
import { foundationsOf } from "../training/origin.js";
import { workerCount } from "../training/workers.js";
import type { OpenRun, RunKind } from "./kind.js";
import { supervisedLine } from "./supervised-line.js";
import { type SupervisedOptions, type SupervisedResult, superviseKind } from "./supervise.js";

export const pretrainKind: RunKind<PretrainConfig> = {
  kind: "pretrain",
  parse: (value, where) => {
    const config = parseImitationConfig(value, where);
    if (config.kind !== "pretrain") throw new InputError(`In ${where}: this is no pretraining run.`);
    return config;
  },
  placed: (value, out) => ({ ...value, out }),
  resolved: (value, where) => pretrainKind.parse(value, where),
  facts: ({ name, seed, phases, out }) => ({
    name: name ?? basename(out),
    seed,
    iterations: phases.reduce((sum, { steps }) => sum + steps, 0),
    unit: "step",
    data: undefined,
    out: workFolder(out),
    publish: out,
  }),
  open: (config) => openPretrain(config, { workers: workerCount() }),
  agentOf: (_, folder, { shownAs, expected, ...options }) =>
    folderAgent(shownAs, folder, expected, { ...options, options: "match" }),
  lineOf: supervisedLine,
};

/**
 * Trains a base model from nothing and puts it, tokenizer included, into `config.out`.
 * @throws InputError when the configuration asks for what cannot be made, or an earlier run is another one
 */
export function pretrain(config: PretrainConfig, options: SupervisedOptions = {}): Promise<SupervisedResult> {
  return superviseKind(pretrainKind, config, options, () => openPretrain(config, options));
}

async function openPretrain(config: PretrainConfig, options: SupervisedOptions): Promise<OpenRun> {
  const { openPretraining } = await import("../../pretraining/index.js");
  const { currentBackend, selectBackend } = await import("../../tensor/index.js");
  if (!currentBackend()) await selectBackend({ requested: process.env["AISLE_BACKEND"] });
  const { trainee, shops } = await openPretraining(config, options);
  const together = {
    fingerprint: sha256(shops.map(({ fingerprint }) => fingerprint).join("\n")),
    size: shops.reduce((sum, { size }) => sum + size, 0),
    goalCount: shops.reduce((sum, { goalCount }) => sum + goalCount, 0),
  };
  return { trainee, from: foundationsOf(null, together, currentBackend()!) };
}
