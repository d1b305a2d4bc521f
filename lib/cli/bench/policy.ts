import { Option, type Command } from "commander";
import type { PolicyBench, ShapeName } from "../../../bench/policy.js";
import type { BackendName } from "../../tensor/index.js";
import { integerOption, note, printJson } from "../common.js";

interface Options {
  readonly backend: BackendName;
  readonly workers: number;
  readonly shape: ShapeName;
  readonly repeat: number;
  readonly python?: string;
  readonly json?: boolean;
}

/** `aisle bench train` and `aisle bench sample`. */
export function addBenchPolicy(bench: Command): void {
  for (const [peer, description] of [
    ["train", "training: tokens per second, one GRPO update, memory"],
    ["sample", "sampling: one GRPO group, and eight in one batch"],
  ] as const) {
    bench
      .command(peer)
      .description(description)
      .addOption(
        new Option("--backend <name>", "where to run")
          .choices(["tensorflow", "webgpu", "native", "wasm", "cpu"])
          .default("wasm"),
      )
      .option(
        "--workers <n>",
        "worker threads; 0 works on the main thread",
        integerOption("--workers", 0, 64),
        0,
      )
      .addOption(
        new Option("--shape <name>", "the embedded model, or Qwen2.5's sizes with LoRA and random weights")
          .choices(["embedded", "0.5b", "1.5b"])
          .default("embedded"),
      )
      .option("--repeat <n>", "runs of which the median is taken", integerOption("--repeat", 1, 1000), 10)
      .option("--python <path>", "a Python with torch and transformers, to measure PyTorch beside")
      .option("--json", "print one JSON object")
      .action(async (options: Options) => {
        const { benchPolicy } = await import("../../../bench/policy.js");
        const result = await benchPolicy({ ...options, peer, report: note });
        if (options.json) printJson(result);
        else process.stdout.write(table(result));
      });
  }
}

function table(result: PolicyBench): string {
  const torch = result.peers["torch"];
  const times = (peer: string | number | undefined, ours: number): string =>
    typeof peer === "number"
      ? `   PyTorch ${peer.toFixed(1)} ms, ${(peer / ours).toFixed(1)} times ours`
      : "";
  const rate = torch?.["tokens_per_s"];
  return [
    `${result.shape} on ${result.backend}, ${result.workers} workers${torch ? ` beside ${torch["name"]}` : ""}`,
    `training          ${result.tokens_per_s.toFixed(0)} tokens/s${typeof rate === "number" ? `   PyTorch ${rate.toFixed(0)}` : ""}`,
    `one group updated ${result.group_update_ms.toFixed(1)} ms${times(torch?.["group_update_ms"], result.group_update_ms)}`,
    ...(torch?.["group_update_packed_ms"] === undefined
      ? []
      : [`  packed          ${times(torch["group_update_packed_ms"], result.group_update_ms).trim()}`]),
    `one group sampled ${result.group_sample_ms.toFixed(1)} ms${times(torch?.["group_sample_ms"], result.group_sample_ms)}`,
    ...(torch?.["group_sample_loop_ms"] === undefined
      ? []
      : [`  a bare loop     ${times(torch["group_sample_loop_ms"], result.group_sample_ms).trim()}`]),
    `eight groups      ${result.sampled_tokens_per_s.toFixed(0)} sampled tokens/s`,
    `peak memory       ${(result.peak_bytes / 2 ** 20).toFixed(0)} MiB`,
    "",
  ].join("\n");
}
