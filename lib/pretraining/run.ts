/** Pretraining: the part that Qwen2.5-Instruct's training plays at full size, played by a small model on other shops' texts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LISTINGS, VERDICTS } from "../agents/index.js";
import { InputError, type Random, stream } from "../base/index.js";
import { loadTokenizer, saveModel, saveTokenizer, type Tokenizer } from "../model/index.js";
import { packedLength, Policy, type Trainee, Trainer } from "../policy/index.js";
import {
  type Measurement,
  measuredMetrics,
  type OpenOptions,
  type Phase,
  type PretrainConfig,
  stepMetrics,
  supervisedStep,
  type TaughtRow,
  trainerOptions,
} from "../imitation/index.js";
import type { DiskCatalogue } from "../simulator/index.js";
import { patternedModel } from "./init.js";
import { measureAloud, measureBase } from "./measure.js";
import { pretrainingShop } from "./shops.js";
import {
  readAloudRow,
  copyRow,
  resultVerdictsRow,
  wordVerdictsRow,
  type Material,
  queryRow,
  selectRow,
} from "./tasks.js";
import { trainShopTokenizer } from "./tokenizer.js";

/**
 * A run of pretraining for the training loop: a base model from nothing, with a tokenizer of its own.
 * @returns with it, the shops that are learnt from
 * @throws InputError when the configuration asks for what cannot be made
 */
export async function openPretraining(
  config: PretrainConfig,
  options: OpenOptions = {},
): Promise<{ trainee: Trainee; shops: readonly DiskCatalogue[] }> {
  const { seeds, products, heldOut, recipe = 1 } = config.shops;
  if (seeds.includes(0) || heldOut === 0) {
    throw new InputError("The shop of seed 0 is the one that is tested in: pretrain on others.");
  }
  const shops: DiskCatalogue[] = [];
  for (const seed of seeds) shops.push(await pretrainingShop(seed, products, recipe, options.cache));
  const other = await pretrainingShop(heldOut, products, recipe, options.cache);
  const tokenizerFolder = mkdtempSync(join(tmpdir(), "aisle-tokenizer-"));
  const close = (): void => {
    [...shops, other].forEach((shop) => shop.close());
    rmSync(tokenizerFolder, { recursive: true, force: true });
  };
  try {
    const { model: shape } = config;
    saveTokenizer(tokenizerFolder, trainShopTokenizer(shops[0]!, config.tokenizer.size), {
      maxLength: shape.maxPositions,
    });
    const tokenizer = await loadTokenizer(tokenizerFolder);
    checkVerdicts(tokenizer);
    const start = patternedModel(
      {
        ...shape,
        vocabSize: tokenizer.size,
        headDim: shape.hiddenSize / shape.heads,
        rmsNormEps: 1e-6,
        tiedEmbeddings: true,
        initializerRange: 0.02,
        eosTokenIds: tokenizer.eosIds,
      },
      config.seed,
      tokenizer.specials.get("<|im_start|>")!,
    );
    const policy = await Policy.create(start, {
      train: "model",
      batchTokens: config.batchTokens,
      workers: options.workers ?? 0,
    });
    const steps = config.phases.reduce((sum, phase) => sum + phase.steps, 0);
    const material: Material = { tokenizer, shops };
    const trainer = new Trainer(policy, trainerOptions(config, steps));
    const trainee: Trainee = {
      trainer,
      iterations: steps,
      iterate: async (step) => {
        const rows = drawRows(material, phaseAt(config.phases, step), stream(config.seed, "pretrain", step));
        const report = await supervisedStep(trainer, rows, steps);
        options.onStep?.(report);
        return stepMetrics(report);
      },
      measure: async () => measuredMetrics(await measured(policy, { tokenizer, shops: [other] }, config)),
      measureEvery: config.evaluateEvery,
      measuresFirst: false,
      checkpointEvery: config.checkpointEvery,
      result: "last",
      save: (folder) =>
        saveModel(folder, policy.files().model, { dtype: "BF16", tokenizerFrom: tokenizerFolder }),
      dispose: async () => {
        await policy.dispose();
        close();
      },
    };
    return { trainee, shops };
  } catch (error) {
    close();
    throw error;
  }
}

/** What the base can do on a shop that it does not learn from; reading aloud where it learns that. */
async function measured(
  policy: Policy,
  material: Material,
  { measureGoals, phases }: PretrainConfig,
): Promise<Measurement> {
  const base = await measureBase(policy, material, measureGoals);
  const lists = new Set(
    phases.flatMap(({ tasks }) =>
      tasks.aloud ? (tasks.aloud.list === "either" ? LISTINGS : [tasks.aloud.list]) : [],
    ),
  );
  const aloud: Record<string, number> = {};
  for (const list of lists) {
    const values = await measureAloud(policy, material, measureGoals, list);
    for (const [name, value] of Object.entries(values)) aloud[`${list}/${name}`] = value;
  }
  return { ...base, ...aloud };
}

function phaseAt(phases: readonly Phase[], step: number): Phase {
  let left = step;
  for (const phase of phases) {
    if (left <= phase.steps) return phase;
    left -= phase.steps;
  }
  throw new RangeError(`There is no step ${step}.`);
}

const MAKERS = {
  words: wordVerdictsRow,
  copy: copyRow,
  judge: resultVerdictsRow,
  query: queryRow,
  select: selectRow,
  aloud: readAloudRow,
};

/** Rows of a phase's mixture until its tokens are reached. */
export function drawRows(material: Material, phase: Phase, random: Random): TaughtRow[] {
  const tasks = Object.entries(phase.tasks).filter(([, task]) => task.share > 0);
  const total = tasks.reduce((sum, [, task]) => sum + task.share, 0);
  const rows: TaughtRow[] = [];
  for (let tokens = 0; tokens < phase.tokens;) {
    let at = random.next() * total;
    const [name, task] = tasks.find(([, { share }]) => (at -= share) < 0) ?? tasks[0]!;
    // The task's own settings: the schema has matched them to its name.
    const make = MAKERS[name as keyof typeof MAKERS] as (
      m: Material,
      r: Random,
      settings: object,
    ) => TaughtRow;
    const row = { ...make(material, random, task), task: name, weight: task.weight };
    rows.push(row);
    tokens += packedLength(row);
  }
  return rows;
}

function checkVerdicts(tokenizer: Tokenizer): void {
  const broken = VERDICTS.find((word) => tokenizer.encode(word).length !== 1);
  if (broken)
    throw new InputError(`The tokenizer cuts "${broken}" in pieces: give it more entries (tokenizer.size).`);
}
