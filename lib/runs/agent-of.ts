/** Agents by name: those that come with the project, any model folder, and the families of recorded checkpoints. */
import {
  type Agent,
  agentNamed,
  agentNames,
  folderAgent,
  type ListingText,
  MULTI_TURN,
  MULTI_TURN_MODEL,
  multiTurnStart,
  type PromptedOptions,
  type Reading,
  twoModelAgent,
} from "../agents/index.js";
import { didYouMean, InputError } from "../base/index.js";
import { modelOf, type TrainingRecord, trainingRecords } from "../records/index.js";
import { fingerprintNow, recordedConfig, requirePlugins } from "./training/index.js";

/** How an agent is found and how it acts, beyond its name. */
export interface AgentChoice {
  /** For the agent `policy`: the folder of its model. */
  readonly model?: string;
  /** For the agent `policy`: the folder of another model that chooses among the results. */
  readonly selectModel?: string;
  /** For the agent `policy`: what its choice sees of the results, and how. */
  readonly listing?: ListingText;
  readonly reading?: Reading;
  /** Another sampling temperature than the agent's own; it then has another name, e.g. `il:t0`. */
  readonly temperature?: number;
  /** For the agent `policy`: what records call it. */
  readonly name?: string;
  /** For `il-multi-turn`: past steps in its prompts; it then has another name, e.g. `il-multi-turn:h0`. */
  readonly history?: number;
  /** Where training records live. Default: `runs` and `data/runs`. */
  readonly runs?: string;
}

/**
 * Gives the agent for each seed of an evaluation: the same one, or the checkpoint that was trained with that seed.
 * @param shop fingerprint of the shop to act in: a family learnt in its own shop, and is refused elsewhere
 */
export type AgentOfSeed = (seed: number, shop?: string) => Promise<Agent>;

/** The agent whose model is any folder. */
const ANY_MODEL = "policy";

/** The agents whose model decides twice, by folder: what a temperature can be given to. */
const MODEL_FOLDERS: Readonly<Record<string, string>> = {
  prompted: "data/models/base",
  il: "data/models/il",
};

/** The agent that acts with a model folder of the project; null for any other folder. */
export function agentOfModel(folder: string): string | null {
  if (folder === MULTI_TURN_MODEL) return MULTI_TURN;
  return Object.entries(MODEL_FOLDERS).find(([, own]) => own === folder)?.[0] ?? null;
}

/** Families of recorded checkpoints with the seeds that each was trained with, by name. */
export function families(records: readonly TrainingRecord[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const { identity } of records) {
    found.set(identity.name, [...(found.get(identity.name) ?? []), identity.seed]);
  }
  return found;
}

/**
 * The agent of a name, for an evaluation.
 * @throws InputError when there is none, its model is missing, or its training record is no longer what it claims
 */
export async function agentOf(name: string, choice: AgentChoice = {}): Promise<AgentOfSeed> {
  const { model, temperature, runs } = choice;
  if (choice.name !== undefined && name !== ANY_MODEL) {
    throw new InputError(`Only the agent "${ANY_MODEL}" can be given a name.`);
  }
  if (choice.history !== undefined) {
    if (name !== MULTI_TURN || temperature !== undefined)
      throw new InputError(`Only the agent "${MULTI_TURN}", at its own temperature, takes a history.`);
    return always(await multiTurnStart(choice.history));
  }
  const own = choice.name ?? name;
  const shownAs = temperature === undefined ? own : `${own}:t${temperature}`;
  const { listing, reading } = choice;
  if ((listing ?? reading) !== undefined && name !== ANY_MODEL) {
    throw new InputError(
      `Only the agent "${ANY_MODEL}" can be told what its choice sees: leave --listing and --reading out for "${name}".`,
    );
  }
  const options: PromptedOptions = {
    ...(temperature === undefined ? {} : { temperature }),
    ...(listing === undefined ? {} : { listing }),
    ...(reading === undefined ? {} : { reading }),
  };
  if (name === ANY_MODEL) {
    if (model === undefined) throw new InputError(`The agent "${ANY_MODEL}" needs the folder of its model.`);
    const expected = "it should be a model in Hugging Face's layout";
    if (choice.selectModel !== undefined) {
      return always(await twoModelAgent(shownAs, model, choice.selectModel, expected, options));
    }
    return always(await folderAgent(shownAs, model, expected, options));
  }
  if (choice.selectModel !== undefined) {
    throw new InputError(`Only the agent "${ANY_MODEL}" takes a second model.`);
  }
  if (model !== undefined) throw new InputError(`Only the agent "${ANY_MODEL}" takes the folder of a model.`);
  if (agentNames().includes(name)) {
    if (temperature === undefined) return always(await agentNamed(name));
    const folder = MODEL_FOLDERS[name];
    if (folder === undefined) throw new InputError(`The agent "${name}" has no temperature.`);
    return always(await folderAgent(shownAs, folder, "see configs/", options));
  }
  const records = trainingRecords(runs);
  const known = families(records);
  const seeds = known.get(name);
  if (!seeds) {
    const all = [...agentNames(), ...known.keys(), ANY_MODEL];
    throw new InputError(
      `There is no agent "${name}"; there are ${all.join(", ")}. A training run becomes one by \`aisle record\`.${didYouMean(name, all)}`,
    );
  }
  return async (seed, shop) => {
    const record = records.find(({ identity }) => identity.name === name && identity.seed === seed);
    if (!record) {
      throw new InputError(
        `${name} has no training record with seed ${seed}; there are ${seeds.join(", ")} (--seeds ${seeds.join()}).`,
      );
    }
    requireCurrent(record, shop);
    const folder = modelOf(record);
    if (!folder) {
      throw new InputError(
        `The training record ${record.path} was too large to keep its model: evaluate the run's own folder with --agent policy --model.`,
      );
    }
    const { kind, config } = recordedConfig(record);
    const agent = await kind.agentOf(config, folder, {
      shownAs,
      modelName: name,
      expected: "its record should hold it",
      ...options,
    });
    return { ...agent, model: { ...agent.model!, name: record.id } };
  };
}

/**
 * @param shop fingerprint of the shop to act in; a family learnt in its own shop, and is only compared there
 * @throws InputError when the record's start model or shop is no longer the one that it names
 */
export function requireCurrent(record: TrainingRecord, shop?: string): void {
  const { start, data, name, seed, plugins } = record.identity;
  requirePlugins(`The training record ${record.path}`, plugins);
  const again = `Train ${name} with seed ${seed} again and record it, and delete this one.`;
  const now = fingerprintNow(start.name);
  if (now !== null && now !== start.fingerprint) {
    throw new InputError(
      `The training record ${record.path} is refused: the model that it began from, ${start.name}, has changed. ${again}`,
    );
  }
  // A base model is made from other shops, and plays in any.
  const { kind, config } = recordedConfig(record);
  if (kind.facts(config).data === undefined) return;
  if (shop !== undefined && shop !== data.fingerprint) {
    throw new InputError(
      `The training record ${record.path} is refused: it learnt in another shop than this one. ${again}`,
    );
  }
}

const always =
  (agent: Agent): AgentOfSeed =>
  () =>
    Promise.resolve(agent);
