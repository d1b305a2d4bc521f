/** One of our own policies as a model that answers, and the agents that are made of one. */
import { createHash, type Hash } from "node:crypto";
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../base/index.js";
import type { Sample, Sampler } from "../../policy/index.js";
import type { Tokenizer } from "../../model/index.js";
import type { Agent } from "../types.js";
import { aloudAnswer } from "../prompts/index.js";
import type { Answer, Completer } from "./completer.js";
import { encodeQuestion } from "./encode.js";
import { promptedAgent, type PromptedOptions } from "./prompted.js";

/** Episodes that ask a policy side by side: beyond, batches gain nothing more and prompts take memory. */
export const TOGETHER = 32;

/** A policy that answers chats. Its samples depend on the messages, the options and the weights alone. */
export function localCompleter(policy: Sampler, tokenizer: Tokenizer, name: string): Completer {
  return {
    settings: { model: name },
    together: TOGETHER,
    fits: (messages, maxTokens) => tokenizer.chat(messages).length + maxTokens <= policy.config.maxPositions,
    readsAloud: true,
    async complete(messages, { maxTokens, temperature, random, given: texts }) {
      const { prompt, given } = encodeQuestion(tokenizer, {
        prompt: messages,
        ...(texts ? { given: texts } : {}),
      });
      const room = policy.config.maxPositions - prompt.length - (given?.length ?? 0);
      if (room < 1) {
        throw new InputError(
          `A prompt of ${prompt.length} tokens leaves the model ${name} no room: it has ${policy.config.maxPositions} positions.`,
        );
      }
      const [samples] = await policy.sample([{ prompt, name: ["answer"], ...(given ? { given } : {}) }], {
        seed: random.below(2 ** 31),
        maxTokens: Math.min(maxTokens, room),
        temperature,
        stop: tokenizer.eosIds,
      });
      return answerOf(samples![0]!, prompt.length, tokenizer);
    },
  };
}

/** A sample as an answer; its text has no special tokens, its tokens are all that were drawn. */
export function answerOf(sample: Sample, promptTokens: number, tokenizer: Tokenizer): Answer {
  const { ids, logProbs, scored, finish } = sample;
  const drawn = (i: number): boolean => scored?.[i] ?? true;
  return {
    text: scored ? aloudAnswer(wordsDrawn(sample, tokenizer)) : tokenizer.decode(ids, { skipSpecials: true }),
    promptTokens,
    completionTokens: ids.filter((_, i) => drawn(i)).length,
    truncated: finish === "length",
    tokens: ids.flatMap((id, i) =>
      drawn(i) ? [{ text: tokenizer.decode([id]), probability: Math.exp(logProbs[i]!) }] : [],
    ),
  };
}

/** The texts that were drawn, one for each place between given ones. */
function wordsDrawn({ ids, scored }: Sample, tokenizer: Tokenizer): string[] {
  const words: number[][] = [];
  ids.forEach((id, i) => {
    if (!scored![i]) return;
    if (i > 0 && scored![i - 1]) words.at(-1)!.push(id);
    else words.push([id]);
  });
  return words.map((word) => tokenizer.decode(word, { skipSpecials: true }));
}

/**
 * An agent that asks the model in a folder (or one that was pulled) for both decisions, on the backend of {@link openPlayer}.
 * @param name as tables show it
 * @param howToGet said where the folder is missing, e.g. the command that trains it
 * @throws InputError when there is no model there or it is broken
 */
export async function folderAgent(
  name: string,
  folder: string,
  howToGet: string,
  options: PromptedOptions = {},
): Promise<Agent> {
  const { policy, tokenizer, model, dispose } = await openPlayer(name, folder, howToGet);
  const completer = localCompleter(policy, tokenizer, options.modelName ?? folder);
  return { ...promptedAgent(name, completer, options, model), ...(dispose ? { dispose } : {}) };
}

/**
 * An agent whose query is written by one model and whose choice is made by another.
 * @throws InputError as {@link folderAgent}
 */
export async function twoModelAgent(
  name: string,
  folder: string,
  selectFolder: string,
  howToGet: string,
  options: PromptedOptions = {},
): Promise<Agent> {
  const query = await openPlayer(name, folder, howToGet);
  const select = await openPlayer(name, selectFolder, howToGet);
  return promptedAgent(
    name,
    localCompleter(query.policy, query.tokenizer, folder),
    { ...options, select: localCompleter(select.policy, select.tokenizer, selectFolder) },
    {
      name: `${folder}, ${selectFolder}`,
      fingerprint: `${query.model.fingerprint},${select.model.fingerprint}`,
      backend: query.model.backend,
    },
  );
}

/** A model that is ready to play, and what a run record says of it. */
export interface Player {
  /** Answers episodes that are played side by side together. */
  readonly policy: Sampler;
  readonly tokenizer: Tokenizer;
  readonly model: NonNullable<Agent["model"]>;
  readonly dispose?: () => Promise<void>;
}

/**
 * Opens a model for playing (an adapter with its base too), on the backend in use; where none was chosen, on the one that
 * AISLE_BACKEND names, else on `wasm`, whose bits are the same everywhere. Run records say which it was.
 * @param named its folder, or its name on the hub if it was pulled
 * @throws InputError as {@link folderAgent}
 */
export async function openPlayer(name: string, named: string, howToGet: string): Promise<Player> {
  const at = await found(name, named, howToGet);
  // Loaded only now: an agent without a model should not wait for a tensor engine.
  const { currentBackend, selectBackend } = await import("../../tensor/index.js");
  const { batching, Policy } = await import("../../policy/index.js");
  const { loadAdapted, loadTokenizer } = await import("../../model/index.js");
  const opened = loadAdapted(at);
  if (!currentBackend()) await selectBackend({ requested: process.env["AISLE_BACKEND"] });
  const { folder, model: files, adapter, base } = opened;
  const tokenizer = await loadTokenizer(opened.tokenizer, files.config);
  const policy = await Policy.create(files, { train: "nothing", ...(adapter ? { adapter } : {}) });
  const fingerprint = fingerprintOf(folder) + (base === undefined ? "" : `+${fingerprintOf(base)}`);
  return {
    policy: batching(policy),
    tokenizer,
    model: { name: named, fingerprint, backend: currentBackend()! },
    dispose: () => policy.dispose(),
  };
}

/** The folder of the model that an agent names. @throws InputError saying how to get it */
async function found(agent: string, named: string, howToGet: string): Promise<string> {
  const { isRepoName, modelFolder } = await import("../../model/files/index.js");
  const folder = modelFolder(named) ?? named;
  if (["config.json", "adapter_config.json"].some((file) => existsSync(join(folder, file)))) return folder;
  const hub = isRepoName(named) ? `; if it is a model on the hub, run "aisle model pull ${named}"` : "";
  throw new InputError(`There is no model in ${named} for the agent "${agent}": ${howToGet}${hub}.`);
}

/** SHA-256 over the files of a model folder that decide its answers, in the order of their names. */
export function fingerprintOf(folder: string): string {
  const hash = createHash("sha256");
  const deeper = existsSync(join(folder, ONNX))
    ? readdirSync(join(folder, ONNX)).map((name) => `${ONNX}/${name}`)
    : [];
  for (const name of [...readdirSync(folder), ...deeper].sort()) {
    if (!/\.(?:safetensors|json|jinja|txt|onnx|onnx_data\w*)$/.test(name)) continue;
    const path = join(folder, name);
    hash.update(`${name} ${statSync(path).size}\n`);
    updateWith(hash, path);
  }
  return hash.digest("hex");
}

/** Where transformers keeps ONNX weights inside a model folder. */
const ONNX = "onnx";

/** A file's bytes, a piece at a time: weights may be larger than one buffer can be. */
function updateWith(hash: Hash, path: string): void {
  const piece = Buffer.alloc(1 << 20);
  const file = openSync(path, "r");
  try {
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece))
      hash.update(piece.subarray(0, read));
  } finally {
    closeSync(file);
  }
}
