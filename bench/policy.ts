/** The time and memory of training and sampling, and of the same in PyTorch: the numbers behind `aisle bench train` and `sample`. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { InputError, messageOf, RunError, stream } from "../lib/base/index.js";
import { crossEntropyLoss, type Loss } from "../lib/objective/index.js";
import { currentBackend, useBackend, type BackendName } from "../lib/tensor/index.js";
import { freshAdapter, Policy, Trainer } from "../lib/policy/index.js";
import {
  parameterShapes,
  projections,
  saveModel,
  type ModelConfig,
  type ModelFiles,
  type Weight,
} from "../lib/model/index.js";

/** The shapes that are measured: the embedded model, and the published ones with random weights under a LoRA adapter. */
export const SHAPES = {
  embedded: { d: 128, inner: 384, layers: 4, heads: 4, keyValueHeads: 4, vocab: 2048 },
  "0.5b": { d: 896, inner: 4864, layers: 24, heads: 14, keyValueHeads: 2, vocab: 151936 },
  "1.5b": { d: 1536, inner: 8960, layers: 28, heads: 12, keyValueHeads: 2, vocab: 151936 },
} as const;
export type ShapeName = keyof typeof SHAPES;

export interface PolicyBenchOptions {
  readonly backend?: BackendName;
  readonly workers: number;
  readonly shape: ShapeName;
  /** Runs of which the median is taken. */
  readonly repeat: number;
  /** A Python with torch and transformers; without one there is no peer. */
  readonly python?: string;
  /** Which of the peer's halves to run. */
  readonly peer: "train" | "sample";
  readonly report?: (what: string) => void;
}

/** The result, as it is printed. Times are medians of wall time. */
export interface PolicyBench {
  readonly backend: BackendName;
  readonly workers: number;
  readonly shape: ShapeName;
  /** Training tokens per second on 8 rows of 192 tokens, scored on the last 12; for published shapes, on the packed group. */
  readonly tokens_per_s: number;
  /** One optimiser step on one group: 9 completions of 12 tokens after 300 of prompt. */
  readonly group_update_ms: number;
  /** Sampling that group. */
  readonly group_sample_ms: number;
  /** Sampled tokens per second with 8 such groups in one batch; for published shapes, with the one. */
  readonly sampled_tokens_per_s: number;
  /** The process's largest resident size. */
  readonly peak_bytes: number;
  readonly peers: Readonly<Record<string, Readonly<Record<string, string | number>>>>;
}

const PROMPT = 300;
const SAMPLES = 9;
const COMPLETION = 12;
const PLAIN = { rows: 8, length: 192 };

export async function benchPolicy(options: PolicyBenchOptions): Promise<PolicyBench> {
  const { backend = "wasm", workers, shape, repeat, python, report = () => {} } = options;
  const large = shape !== "embedded";
  if (python !== undefined && large) throw new InputError("The peer is measured on the embedded shape only.");
  await useBackend(backend);
  const config = configOf(shape);
  const model = noiseModel(config);
  report(`building the ${shape} shape on ${backend}`);
  const lora = { rank: 16, alpha: 32, dropout: 0, targets: projections, rankStabilised: false };
  const policy = await Policy.create(model, {
    workers,
    // With workers, a plain batch is cut so that each has a part.
    batchTokens: workers > 1 ? Math.ceil((PLAIN.rows * PLAIN.length) / workers) : 2048,
    ...(large ? { adapter: freshAdapter(config, lora, 0) } : {}),
  });
  const trainer = new Trainer(policy, {
    learningRate: 1e-4,
    weightDecay: 0.01,
    checkpoint: large ? "layer" : "none",
  });
  const data = dataFor(config);
  const group = data.completions.map((responseIds) => ({ promptIds: data.prompt, responseIds }));
  const rows = data.plain.map((ids) => ({
    promptIds: ids.slice(0, -COMPLETION),
    responseIds: ids.slice(-COMPLETION),
  }));
  const requests = data.plain.map((ids, i) => ({
    prompt: [...data.prompt.slice(i + 1), ...ids.slice(0, i + 1)],
    n: SAMPLES,
    name: ["bench", i],
  }));
  const sampling = { seed: 0, maxTokens: COMPLETION };
  const runs = {
    update: () => trainer.step(group, smallAdvantage(group)),
    sample: () => policy.sample([{ prompt: data.prompt, n: SAMPLES, name: ["bench"] }], sampling),
    plain: () => trainer.step(rows, smallAdvantage(rows)),
    many: () => policy.sample(requests, sampling),
  };
  // A published shape on a CPU takes minutes a step: the group alone, and no warming up for a single run.
  const names = (Object.keys(runs) as (keyof typeof runs)[]).slice(0, large ? 2 : 4);
  const times: Record<keyof typeof runs, number[]> = { update: [], sample: [], plain: [], many: [] };
  const half = async (count: number): Promise<void> => {
    for (const name of names) {
      report(`measuring: ${name}`);
      if (repeat > 1) await runs[name](); // warm
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        await runs[name]();
        times[name].push(performance.now() - start);
      }
    }
  };
  try {
    // The peer stands between two halves of ours, so that a slow minute of the machine does not fall on one side alone.
    await half(Math.ceil(repeat / 2));
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    const peers: PolicyBench["peers"] =
      python === undefined ? {} : { torch: await runPeer(python, model, data, options) };
    if (repeat > 1) await half(Math.floor(repeat / 2));
    const ms = (name: keyof typeof runs): number => median(times[name]);
    const trained = large
      ? (PROMPT + SAMPLES * (COMPLETION - 1)) / ms("update")
      : (PLAIN.rows * PLAIN.length) / ms("plain");
    const drawn = SAMPLES * COMPLETION;
    const sampled = large ? drawn / ms("sample") : (requests.length * drawn) / ms("many");
    return {
      backend: currentBackend()!,
      workers,
      shape,
      tokens_per_s: round(1000 * trained),
      group_update_ms: round(ms("update")),
      group_sample_ms: round(ms("sample")),
      sampled_tokens_per_s: round(1000 * sampled),
      peak_bytes: peakBytes,
      peers,
    };
  } finally {
    await policy.dispose();
  }
}

/** A policy gradient with the same small advantage for every token. */
const smallAdvantage = (sequences: readonly { readonly responseIds: readonly number[] }[]): Loss =>
  crossEntropyLoss(sequences.map(({ responseIds }) => ({ weights: responseIds.map(() => 0.01) })));

interface BenchData {
  readonly prompt: number[];
  readonly completions: number[][];
  readonly plain: number[][];
}

function dataFor({ vocabSize }: ModelConfig): BenchData {
  const random = stream(0, "bench");
  const ids = (n: number): number[] => Array.from({ length: n }, () => random.below(vocabSize));
  return {
    prompt: ids(PROMPT),
    completions: Array.from({ length: SAMPLES }, () => ids(COMPLETION)),
    plain: Array.from({ length: PLAIN.rows }, () => ids(PLAIN.length)),
  };
}

/** The configuration of a shape, in Qwen2's layout. */
export function configOf(name: ShapeName): ModelConfig {
  const { d, inner, layers, heads, keyValueHeads, vocab } = SHAPES[name];
  return {
    vocabSize: vocab,
    hiddenSize: d,
    intermediateSize: inner,
    layers,
    heads,
    keyValueHeads,
    headDim: d / heads,
    maxPositions: 2048,
    rmsNormEps: 1e-6,
    ropeTheta: 1e6,
    tiedEmbeddings: true,
    initializerRange: 0.02,
    eosTokenIds: [],
  };
}

/** Uniform noise of the usual size: a billion proper normal draws would take longer than what is measured. */
export function noiseModel(config: ModelConfig): ModelFiles {
  const weights = new Map<string, Weight>();
  for (const [name, shape] of parameterShapes(config)) {
    const n = shape.reduce((product, size) => product * size, 1);
    weights.set(name, {
      shape,
      data: (into = new Float32Array(n)) => {
        if (name.endsWith("norm.weight")) return into.fill(1);
        let state = stream(0, "noise", name).below(2 ** 31) | 1;
        for (let i = 0; i < into.length; i++) {
          state ^= state << 13;
          state ^= state >>> 17;
          state ^= state << 5;
          into[i] = (state / 2 ** 31) * config.initializerRange * Math.sqrt(3);
        }
        return into;
      },
    });
  }
  return { config, weights };
}

const PeerResult = z.object({ name: z.string() }).catchall(z.union([z.string(), z.number()]));

/** @throws RunError when Python or its packages are missing, with what it said. */
async function runPeer(
  python: string,
  model: ModelFiles,
  data: BenchData,
  { peer, repeat, report }: PolicyBenchOptions,
): Promise<Record<string, string | number>> {
  report?.(`measuring: PyTorch (${peer})`);
  const folder = mkdtempSync(join(tmpdir(), "aisle-bench-"));
  try {
    saveModel(join(folder, "model"), model);
    const file = join(folder, "data.json");
    writeFileSync(file, JSON.stringify({ ...data, plainScored: COMPLETION }));
    const script = join("bench", "peers", "torch_policy.py");
    const args = [script, join(folder, "model"), file, peer, "--repeat", String(repeat)];
    const { stdout } = await promisify(execFile)(python, args, { maxBuffer: 1 << 24 });
    return PeerResult.parse(JSON.parse(stdout.trim().split("\n").at(-1)!));
  } catch (error) {
    const stderr = (error as { stderr?: string }).stderr?.trim().split("\n").at(-1);
    throw new RunError(`The PyTorch peer did not run with ${python}: ${stderr ?? messageOf(error)}.`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
