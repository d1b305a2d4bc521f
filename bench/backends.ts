/**
 * The work of each backend for the embedded model, in one process, one thread: matrix products of its shapes, a training step on plain
 * rows, the update and the sampling of a GRPO group. Times are of the processor, not of the clock, where the backend computes on this
 * thread, so that a busy machine does not spoil them; `--clock` forces one measure for all.
 *
 *   npx tsx bench/backends.ts [--json] [--clock=processor|wall] [backend …]
 */
import * as tf from "@tensorflow/tfjs";
import { stream } from "../lib/base/index.js";
import { BACKENDS, backendNamed, useBackend, type BackendName } from "../lib/tensor/index.js";
import { initModel, parseModelConfig } from "../lib/model/index.js";
import { crossEntropyLoss, type Sequence } from "../lib/objective/index.js";
import { Policy, Trainer } from "../lib/policy/index.js";

const CONFIG = parseModelConfig({
  architectures: ["Qwen2ForCausalLM"],
  model_type: "qwen2",
  hidden_act: "silu",
  vocab_size: 2048,
  hidden_size: 128,
  intermediate_size: 384,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  max_position_embeddings: 1024,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  tie_word_embeddings: true,
});
const PRODUCTS: readonly [
  what: string,
  m: number,
  k: number,
  n: number,
  transposeA: boolean,
  transposeB: boolean,
][] = [
  ["forward", 1536, 128, 384, false, true],
  ["input's gradient", 1536, 384, 128, false, false],
  ["weight's gradient", 384, 1536, 128, true, false],
  ["logits", 108, 128, 2048, false, true],
  ["one token of nine samples", 9, 128, 384, false, true],
];

/** The middle of several runs, milliseconds of this process's processor time (all threads) or of the clock. */
async function milliseconds(runs: number, cpu: boolean, run: () => Promise<unknown>): Promise<number> {
  const now = (): number => (cpu ? process.cpuUsage().user / 1000 : performance.now());
  const times: number[] = [];
  for (let i = 0; i < runs + 2; i++) {
    const start = now();
    await run();
    if (i >= 2) times.push(now() - start);
  }
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)]!;
}

async function productSpeeds(cpu: boolean): Promise<Record<string, number>> {
  const speeds: Record<string, number> = {};
  for (const [what, m, k, n, transposeA, transposeB] of PRODUCTS) {
    const a = tf.randomUniform(transposeA ? [k, m] : [m, k]);
    const b = tf.randomUniform(transposeB ? [n, k] : [k, n]);
    const repeats = Math.ceil(2e8 / (m * n * k));
    const time = await milliseconds(5, cpu, async () => {
      let last: tf.Tensor | undefined;
      for (let i = 0; i < repeats; i++) {
        last?.dispose();
        last = tf.matMul(a, b, transposeA, transposeB);
      }
      await last!.data();
      last!.dispose();
    });
    speeds[what] = Math.round((2 * m * n * k * repeats) / time / 1e5) / 10;
    tf.dispose([a, b]);
  }
  return speeds;
}

async function measure(backend: BackendName): Promise<object> {
  await useBackend(backend);
  // On the others other threads or processors compute: there the clock is the honest measure.
  const forced = process.argv.find((arg) => arg.startsWith("--clock="))?.slice("--clock=".length);
  const cpu = forced ? forced === "processor" : ["wasm", "native", "cpu"].includes(backend);
  const runs = backend === "cpu" || backend === "webgpu" ? 1 : 7;
  const gflops = await productSpeeds(cpu);
  const policy = await Policy.create(initModel(CONFIG, 1));
  const trainer = new Trainer(policy, { learningRate: 1e-4 });
  const random = stream(1, "bench");
  const ids = (n: number): number[] => Array.from({ length: n }, () => random.below(CONFIG.vocabSize));
  const step = (rows: Sequence[]): Promise<unknown> =>
    trainer.step(
      rows,
      crossEntropyLoss(rows.map(({ responseIds }) => ({ weights: responseIds.map(() => 0.01) }))),
    );
  const plain = Array.from({ length: 8 }, () => ({ promptIds: ids(180), responseIds: ids(12) }));
  const promptIds = ids(300);
  const group = Array.from({ length: 9 }, () => ({ promptIds, responseIds: ids(12) }));
  const train = await milliseconds(runs, cpu, () => step(plain));
  const update = await milliseconds(runs, cpu, () => step(group));
  const request = { prompt: promptIds, n: 9, name: ["bench"] };
  const sample = await milliseconds(runs, cpu, () => policy.sample([request], { seed: 1, maxTokens: 12 }));
  const { numTensors } = tf.memory();
  await policy.dispose();
  return {
    backend,
    clock: cpu ? "processor" : "wall",
    train_tokens_per_s: Math.round((8 * 192 * 1000) / train),
    group_update_ms: Math.round(update * 10) / 10,
    group_sample_ms: Math.round(sample * 10) / 10,
    tensors: numTensors,
    resident_mb: Math.round(process.memoryUsage().rss / 1e6),
    gflops,
  };
}

async function main(): Promise<void> {
  const json = process.argv.includes("--json");
  const asked = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
  const results: object[] = [];
  for (const backend of asked.length > 0 ? asked.map(backendNamed) : BACKENDS) {
    try {
      results.push(await measure(backend));
      if (!json) console.log(results[results.length - 1]);
    } catch (error) {
      process.stderr.write(`${backend}: ${(error as Error).message}\n`);
    }
  }
  if (json) console.log(JSON.stringify(results));
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
