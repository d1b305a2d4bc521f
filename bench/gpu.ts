/**
 * One GRPO and one GiGPO iteration of a published shape under LoRA, on a GPU: roll-outs, advantages, the reference's scores and the update,
 * through the code that training runs. Weights are noise, rewards and pages are made up; the work is that of real ones. With a Python that
 * has torch, transformers and peft, PyTorch does the same on the same weights and tokens (`bench/peers/torch_gpu.py`).
 *
 *   npx tsx bench/gpu.ts --shape 1.5b --backend webgpu --repeat 3 --python python3 --out gpu.json
 *
 * `--goals` and `--short` make it small enough to try on a CPU. The model's folder (6 GB for 1.5b) is a temporary one.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as tf from "@tensorflow/tfjs";
import { messageOf, stream } from "../lib/base/index.js";
import {
  advantagesOf,
  type GrpoConfig,
  type Group,
  learn,
  type Learner,
  parseGrpoConfig,
  presetNamed,
  type Rollout,
  type Row,
  rowsOf,
  type Turn,
} from "../lib/grpo/index.js";
import {
  adapted,
  attention,
  backendNamed,
  rmsNorm,
  swiGlu,
  tokenLogProbs,
  useBackend,
} from "../lib/tensor/index.js";
import { type AdapterFiles, loadModel, projections, saveAdapter, saveModel } from "../lib/model/index.js";
import { bundled, freshAdapter, packedLength, Policy, Trainer } from "../lib/policy/index.js";
import { configOf, median, noiseModel, SHAPES, type ShapeName } from "./policy.js";
import { rewardFrom } from "../lib/rewards/index.js";

/** The played sizes: sizes of the two iterations. */
interface Play {
  readonly vocab: number;
  readonly prompt: number;
  readonly answer: number;
  readonly samples: number;
  /** Multi-turn: trajectories, turns, tokens of a page with its task, of what follows it, and of an answer. */
  readonly trajectories: number;
  readonly turns: number;
  readonly page: number;
  readonly tail: number;
  readonly action: number;
}

/** Wall seconds of one iteration's parts. */
interface Times {
  readonly rollout: number;
  readonly score: number;
  readonly update: number;
  /** Processor seconds of this process within the update: all of it means that the GPU waits for us. */
  readonly updateCpu: number;
}

const options = parseArgs({
  options: {
    shape: { type: "string", default: "embedded" },
    backend: { type: "string", default: "webgpu" },
    repeat: { type: "string", default: "3" },
    "repeat-gigpo": { type: "string", default: "1" },
    python: { type: "string" },
    peer: { type: "string", default: join("bench", "peers", "torch_gpu.py") },
    out: { type: "string" },
    short: { type: "boolean", default: false },
    only: { type: "string", default: "products,grpo,gigpo" },
    timeout: { type: "string", default: "600" },
  },
}).values;

/** Bytes in use on the first GPU, as its driver says; empty where there is no `nvidia-smi`. */
class CardMemory {
  private readonly child: ChildProcess | undefined;
  private most = 0;
  readonly before: number | undefined;

  constructor() {
    const query = ["--query-gpu=memory.used", "--format=csv,noheader,nounits", "-i", "0"];
    const now = spawnSync("nvidia-smi", query, { encoding: "utf8" });
    if (now.status !== 0) return;
    this.before = Number(now.stdout) * 2 ** 20;
    this.child = spawn("nvidia-smi", [...query, "-lms", "50"], { stdio: ["ignore", "pipe", "ignore"] });
    this.child.stdout!.setEncoding("utf8").on("data", (lines: string) => {
      for (const line of lines.split("\n")) this.most = Math.max(this.most, Number(line) * 2 ** 20);
    });
  }
  /** The most since the last call, beyond what was in use at the start. */
  async peak(): Promise<number | undefined> {
    if (this.before === undefined) return undefined;
    await new Promise((done) => setTimeout(done, 300));
    const peak = this.most - this.before;
    this.most = 0;
    return peak;
  }
  stop(): void {
    this.child?.kill();
  }
}

/** An adapter whose second factors are noise, too: zeros would leave half of it without a gradient. */
function noisyAdapter(shape: ShapeName): AdapterFiles {
  const config = { rank: 16, alpha: 32, dropout: 0, targets: projections, rankStabilised: false };
  const { factors } = freshAdapter(configOf(shape), config, 0);
  const noisy = [...factors].map(([path, { a, b }]) => {
    const data = (into = new Float32Array(b.shape[0]! * b.shape[1]!)): Float32Array => {
      const random = stream(0, "noisy", path);
      return into.map(() => 0.02 * (2 * random.next() - 1));
    };
    const filled = {
      shape: b.shape,
      data: (into?: Float32Array) => {
        const values = data();
        into?.set(values);
        return into ?? values;
      },
    };
    return [path, { a, b: filled }] as const;
  });
  return { config, factors: new Map(noisy) };
}

function tokens(play: Play, count: number, ...name: (string | number)[]): number[] {
  const random = stream(0, "gpu", ...name);
  return Array.from({ length: count }, () => random.below(play.vocab));
}

/** One group of a one-turn task. */
async function playGrpo(policy: Policy, config: GrpoConfig, play: Play, iteration: number): Promise<Group[]> {
  const prompt = tokens(play, play.prompt, "prompt");
  const name = ["grpo", iteration];
  const request = { prompt, n: play.samples, name };
  const { temperature } = config.sampling;
  const [samples] = await policy.sample([request], { seed: 0, temperature, maxTokens: play.answer });
  const rewards = stream(0, "rewards", iteration);
  const rollouts = samples!.map((sample): Rollout => {
    const reward = rewards.next();
    return { turns: [turn(prompt, sample, reward)], return: reward, success: false, score: reward };
  });
  return [{ task: "task", rollouts }];
}

function turn(
  promptIds: readonly number[],
  sample: { readonly ids: readonly number[]; readonly logProbs: readonly number[] },
  reward: number,
  more: Partial<Turn> = {},
): Turn {
  const { ids: responseIds, logProbs: oldLogProbs } = sample;
  const form = { formatValid: true, admissible: true, truncated: false };
  return { promptIds, responseIds, oldLogProbs, reward, ...form, ...more };
}

/** One group of a task of several pages: all begin on one, later pages are met by some trajectories each. */
async function playGigpo(
  policy: Policy,
  config: GrpoConfig,
  play: Play,
  iteration: number,
): Promise<Group[]> {
  const turns: Turn[][] = Array.from({ length: play.trajectories }, () => []);
  const { temperature } = config.sampling;
  const random = stream(0, "pages", iteration);
  for (let step = 0; step < play.turns; step++) {
    const pages = [1, 3, 4, 4, 5][step] ?? 5;
    const shown = turns.map((_, i) => (step === 0 ? 0 : i < pages ? i : random.below(pages)));
    const requests = shown.map((page, i) => {
      // Pages differ in length; what follows them tells the steps so far.
      const head = tokens(play, play.page + 8 * ((page + 3 * step) % 9), "page", step, page);
      const tail = tokens(play, play.tail + 12 * step, "past", iteration, i, step);
      return { prompt: [...head, ...tail], shared: head.length, name: ["gigpo", iteration, step, i] };
    });
    const samples = await policy.sample(requests, { seed: 0, temperature, maxTokens: play.action });
    samples.forEach(([sample], i) => {
      const { prompt, shared } = requests[i]!;
      const anchor = `${step}/${shown[i]!}`;
      const reward = step === play.turns - 1 ? random.next() : 0;
      turns[i]!.push(turn(prompt, sample!, reward, { sharedTokens: shared, anchor }));
    });
  }
  const rollouts = turns.map((of): Rollout => {
    const { reward } = of[of.length - 1]!;
    return { turns: of, return: reward, success: false, score: reward };
  });
  return [{ task: "task", rollouts }];
}

/** The first iteration's rows with what came of them, for the peer. */
interface Told {
  rows: {
    prompt: readonly number[];
    response: readonly number[];
    advantage: number;
    logProbs: readonly number[];
  }[];
  shared: { tokens: number; rows: readonly number[] }[];
  /** Turns of a roll-out; rows stand roll-out after roll-out. */
  turns: number;
  loss: number;
  gradNorm: number;
}

async function iterations(
  policy: Policy,
  preset: "grpo" | "gigpo",
  play: Play,
  count: number,
  report: (what: string) => void,
): Promise<{
  times: Times[];
  metrics: Record<string, number>[];
  told: Told;
  packed: number;
  unpacked: number;
}> {
  const config = parseGrpoConfig({
    ...presetNamed(preset),
    groups: { tasks: 1, size: preset === "grpo" ? play.samples : play.trajectories },
    sampling: { temperature: 1, maxTokens: preset === "grpo" ? play.answer : play.action },
    update: { learningRate: 1e-5 },
    reward: {},
  });
  const reward = rewardFrom(config.reward, config.sampling.maxTokens);
  const trainer = new Trainer(policy, { learningRate: 1e-5, weightDecay: 0.01, checkpoint: "layer" });
  const times: Times[] = [];
  const metrics: Record<string, number>[] = [];
  let told: Told | undefined;
  let [packed, unpacked] = [0, 0];
  for (let iteration = 0; iteration < count; iteration++) {
    const began = performance.now();
    const groups = await (preset === "grpo" ? playGrpo : playGigpo)(policy, config, play, iteration);
    const rolledOut = performance.now();
    const rows = rowsOf(
      groups,
      advantagesOf(groups, config.advantage, (turn) => reward.penalty(turn)),
      config,
    );
    let [score, update, updateCpu] = [0, 0, 0];
    let first: (Pick<Told, "loss" | "gradNorm"> & { logProbs: number[][] }) | undefined;
    const learner: Learner = {
      logProbs: async (asked, how) => {
        const from = performance.now();
        const scores = await policy.logProbs(asked, how);
        score += performance.now() - from;
        return scores;
      },
      step: async (asked, loss, how) => {
        packed = bundled(asked).reduce((sum, bundle) => sum + packedLength(bundle), 0);
        const [from, cpu] = [performance.now(), process.cpuUsage()];
        const result = await trainer.step(asked, loss, how);
        update += performance.now() - from;
        const { user, system } = process.cpuUsage(cpu);
        updateCpu += (user + system) / 1000;
        const logProbs = result.scores.map((scores) => [...scores.logProbs]);
        first = { loss: result.loss, gradNorm: result.gradNorm, logProbs };
        return result;
      },
    };
    const learned = await learn(rows, learner, config, stream(0, "mini-batches", iteration));
    unpacked = rows.reduce((sum, row) => sum + row.promptIds.length + row.responseIds.length - 1, 0);
    times.push({
      rollout: (rolledOut - began) / 1000,
      score: score / 1000,
      update: update / 1000,
      updateCpu: updateCpu / 1000,
    });
    metrics.push(learned);
    report(
      `${preset} ${iteration}: ${JSON.stringify(times[iteration])} loss ${learned["loss"]} norm ${learned["grad_norm"]}`,
    );
    if (iteration === 0) told = tellingOf(rows, first!);
  }
  return { times, metrics, told: told!, packed, unpacked };
}

function tellingOf(
  rows: readonly Row[],
  { loss, gradNorm, logProbs }: { loss: number; gradNorm: number; logProbs: number[][] },
): Told {
  return {
    rows: rows.map((row, r) => ({
      prompt: row.promptIds,
      response: row.responseIds,
      advantage: row.advantages[0]!,
      logProbs: logProbs[r]!,
    })),
    shared: bundled(rows).map(({ prompt, members }) => ({ tokens: prompt.length, rows: members })),
    turns: rows.filter((row) => row.rollout === 0).length,
    loss,
    gradNorm,
  };
}

/** The multiplication rate of the backend, for the shapes of an update. GFLOP/s */
async function products(shape: ShapeName): Promise<Record<string, number>> {
  const { d, inner, vocab } = SHAPES[shape];
  const speeds: Record<string, number> = {};
  const sizes: [name: string, m: number, n: number, k: number, ta: boolean, tb: boolean][] = [
    ["up", 400, inner, d, false, true],
    ["down", 400, d, inner, false, true],
    ["query", 400, d, d, false, true],
    ["down's input gradient", 400, inner, d, false, false],
    ["up's input gradient", 400, d, inner, false, false],
    ["up, 2048 tokens", 2048, inner, d, false, true],
    ["adapter in", 400, 16, d, false, true],
    ["adapter's gradient", 16, d, 400, true, false],
    ["logits", 108, vocab, d, false, true],
    ["up, nine tokens", 9, inner, d, false, true],
  ];
  for (const [name, m, n, k, ta, tb] of sizes) {
    const a = tf.randomUniform(ta ? [k, m] : [m, k]);
    const b = tf.randomUniform(tb ? [n, k] : [k, n]);
    const run = async (times: number): Promise<number> => {
      const from = performance.now();
      for (let i = 0; i < times - 1; i++) tf.matMul(a, b, ta, tb).dispose();
      const last = tf.tidy(() => tf.slice(tf.matMul(a, b, ta, tb), [0, 0], [1, 1]));
      await last.data();
      last.dispose();
      return performance.now() - from;
    };
    await run(2);
    const few = await run(1);
    const many = await run(options.short ? 2 : 41);
    speeds[name] = Math.round((2 * m * n * k * (options.short ? 1 : 40)) / (many - few) / 1e6);
    tf.dispose([a, b]);
  }
  return speeds;
}

/** Milliseconds that an update's other operations take, for one layer of one packed group. */
async function operations(shape: ShapeName): Promise<Record<string, number>> {
  const { d, inner, heads, keyValueHeads, vocab } = SHAPES[shape];
  const n = options.short ? 40 : 400;
  const ranges = Int32Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? 0 : (i + 1) / 2));
  const layout = { rows: 1, queries: n, keys: n, rangesPerQuery: 1, ranges };
  const [q, k] = [heads, keyValueHeads].map((count) => tf.randomUniform([n, count, d / heads]));
  const [x, norm, gate] = [tf.randomUniform([n, d]), tf.ones([d]), tf.randomUniform([n, inner])];
  const [a, b, head] = [
    tf.randomUniform([16, d]),
    tf.randomUniform([inner, 16]),
    tf.randomUniform([vocab, d]),
  ];
  const scored = tf.slice(x, [0, 0], [Math.min(108, n), d]);
  const targets = new Int32Array(scored.shape[0]!);
  const attend = (...[of, keys]: tf.Tensor[]): tf.Tensor => attention(of!, keys!, keys!, layout, 0.1);
  const runs: Record<string, () => tf.Tensor> = {
    attention: () => attend(q!, k!),
    "attention, forward and back": () => tf.grads((...of) => tf.sum(attend(...of)))([q!, k!])[0]!,
    rmsNorm: () => rmsNorm(x, norm, 1e-6),
    swiGlu: () => swiGlu(gate, gate),
    adapter: () => adapted(x, a, b, gate, 2),
    scores: () => tokenLogProbs(scored, head, targets).logProbs,
  };
  const times: Record<string, number> = {};
  for (const [name, once] of Object.entries(runs)) {
    const run = async (count: number): Promise<number> => {
      const from = performance.now();
      for (let i = 0; i < count; i++) {
        const last = tf.tidy(() => tf.slice(tf.reshape(tf.tidy(once), [-1]), [0], [1]));
        if (i === count - 1) await last.data();
        last.dispose();
      }
      return performance.now() - from;
    };
    await run(2);
    const few = await run(1);
    times[name] = Math.round(((await run(options.short ? 2 : 41)) - few) / (options.short ? 1 : 0.04)) / 1000;
  }
  tf.dispose([q!, k!, x, norm, gate, a, b, head, scored]);
  return times;
}

async function main(): Promise<void> {
  const report = (what: string): void =>
    void process.stderr.write(`${(performance.now() / 1000).toFixed(1)} s  ${what}\n`);
  const shape = options.shape as ShapeName;
  const only = options.only.split(",");
  const { vocab } = SHAPES[shape];
  const play: Play = options.short
    ? { vocab, prompt: 30, answer: 4, samples: 3, trajectories: 3, turns: 2, page: 40, tail: 5, action: 5 }
    : {
        vocab,
        prompt: 300,
        answer: 12,
        samples: 9,
        trajectories: 8,
        turns: 5,
        page: 640,
        tail: 60,
        action: 40,
      };
  const folder = mkdtempSync(join(tmpdir(), "aisle-gpu-"));
  const memory = new CardMemory();
  const result: Record<string, unknown> = {
    shape,
    backend: options.backend,
    play,
    node: process.version,
    gpu: gpuName(),
  };
  const save = (): void => {
    if (options.out) writeFileSync(options.out, `${JSON.stringify(result, null, 1)}\n`);
  };
  const part = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      result[name] = await work();
    } catch (error) {
      result[name] = { failed: messageOf(error) };
      report(`${name} failed: ${(error as Error).stack ?? messageOf(error)}`);
    }
    save();
  };
  try {
    await useBackend(backendNamed(options.backend));
    const base = join(folder, "model");
    const adapter = noisyAdapter(shape);
    saveModel(base, noiseModel(configOf(shape)));
    saveAdapter(join(folder, "adapter"), adapter, base);
    report("the model is written");
    const policy = await Policy.create(loadModel(base), { adapter });
    await memory.peak();
    const start = Float32Array.from(policy.parameters);
    const told: Record<string, Told> = {};
    for (const preset of ["grpo", "gigpo"] as const) {
      if (!only.includes(preset)) continue;
      policy.parameters.set(start);
      policy.changed();
      await part(preset, async () => {
        const count = 1 + Number(preset === "grpo" ? options.repeat : options["repeat-gigpo"]);
        const run = await iterations(policy, preset, play, count, report);
        told[preset] = run.told;
        const warm = run.times.slice(1);
        const middle = (of: keyof Times): number => median(warm.map((times) => times[of]));
        return {
          tokens: { packed: run.packed, separate: run.unpacked },
          first: run.times[0],
          then: {
            rollout: middle("rollout"),
            score: middle("score"),
            update: middle("update"),
            updateCpu: middle("updateCpu"),
          },
          loss: run.metrics.map((metrics) => metrics["loss"]),
          gradNorm: run.metrics.map((metrics) => metrics["grad_norm"]),
          samplerVsTrainer: run.metrics.map((metrics) => metrics["sampler_vs_trainer/max"]),
          cardBytes: await memory.peak(),
          backendBytes: tf.memory(),
          residentBytes: process.resourceUsage().maxRSS * 1024,
        };
      });
      report(JSON.stringify(result[preset]));
    }
    await policy.dispose();
    if (only.includes("products")) {
      await part("products, GFLOP/s", () => products(shape));
      report(JSON.stringify(result["products, GFLOP/s"]));
      await part("operations, ms", () => operations(shape));
      report(JSON.stringify(result["operations, ms"]));
    }
    memory.stop();
    if (options.python) {
      // The GPU is free for the peer: only Dawn's device is left.
      tf.removeBackend(options.backend);
      writeFileSync(join(folder, "data.json"), JSON.stringify(told));
      const args = [options.peer, folder, "--device", options.backend === "webgpu" ? "cuda" : "cpu"];
      try {
        const timeout = 1000 * Number(options.timeout);
        const out = execFileSync(options.python, args, {
          timeout,
          stdio: ["ignore", "pipe", "inherit"],
          encoding: "utf8",
        });
        result["torch"] = JSON.parse(out.trim().split("\n").at(-1)!);
      } catch (error) {
        result["torch"] = { failed: messageOf(error) };
      }
    }
    save();
    process.stdout.write(`${JSON.stringify(result)}\n`);
  } finally {
    memory.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function gpuName(): string | undefined {
  const asked = spawnSync("nvidia-smi", ["--query-gpu=name,driver_version", "--format=csv,noheader"], {
    encoding: "utf8",
  });
  return asked.status === 0 ? asked.stdout.trim() : undefined;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
