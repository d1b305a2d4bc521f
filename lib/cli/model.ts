import type { Command } from "commander";
import type { PullProgress } from "../model/index.js";
import { note, printJson } from "./common.js";
import type { AddVerb } from "./verb.js";

/** `aisle model pull`, `aisle model info` and `aisle model onnx`. */
export const addModel: AddVerb = (program) => {
  const model = program
    .command("model")
    .description("fetch a language model, say what a model folder holds, or write it as ONNX");
  addPull(model);
  addInfo(model);
  addOnnx(model);
};

function addOnnx(model: Command): void {
  model
    .command("onnx")
    .description("write a model as ONNX, as @huggingface/transformers and browsers read it")
    .argument("<model>", "a model folder, or the name of a model that was pulled")
    .argument("<folder>", "where it goes")
    .option("--json", "print one JSON object: folder")
    .action(async (name: string, folder: string, options: { json?: boolean }) => {
      const { findModel, loadModel } = await import("../model/files/index.js");
      const { saveOnnx } = await import("../model/onnx/index.js");
      const from = findModel(name);
      saveOnnx(folder, loadModel(from), from);
      if (options.json) printJson({ folder });
      else process.stdout.write(`${folder}\n`);
    });
}

function addPull(model: Command): void {
  model
    .command("pull")
    .description("fetch a model from the Hugging Face hub into the cache that its tools share")
    .argument("<repo>", "the model's name, e.g. Qwen/Qwen2.5-1.5B-Instruct")
    .option("--revision <name>", "a branch, a tag or a commit", "main")
    .option("--json", "print one JSON object: folder, commit, fetched, offline")
    .addHelpText(
      "after",
      "\nA download that was cut off goes on where it stopped. HF_TOKEN opens private models, HF_ENDPOINT names another hub," +
        "\nHF_HOME or HF_HUB_CACHE say where the cache is, HF_HUB_OFFLINE=1 uses only what is there.",
    )
    .action(async (repo: string, options: { revision: string; json?: boolean }) => {
      const { pullModel } = await import("../model/files/index.js");
      const { SingleBar, Presets } = await import("cli-progress");
      const { withInterrupts } = await import("./interrupts.js");
      const bar = new SingleBar(
        {
          stream: process.stderr,
          noTTYOutput: true,
          notTTYSchedule: 5000,
          format: "{bar} {percentage}% · {here} of {all} · {eta_formatted} left · {file}",
        },
        Presets.shades_classic,
      );
      let started = false;
      try {
        const onProgress = ({ file, done, total }: PullProgress): void => {
          const payload = { file, here: size(done), all: size(total) };
          if (started) bar.update(done, payload);
          else bar.start(total, done, payload);
          started = true;
        };
        const pulled = await withInterrupts((signal) =>
          pullModel(repo, { revision: options.revision, onRetry: note, onProgress, signal }),
        );
        bar.stop();
        if (options.json) printJson(pulled);
        else process.stdout.write(`${pulled.folder}\n`);
        if (pulled.offline) note("The hub could not be reached; this is what was pulled before.");
        else if (pulled.fetched === 0) note("Everything was here already.");
      } finally {
        if (started) bar.stop();
      }
    });
}

function addInfo(model: Command): void {
  model
    .command("info")
    .description("check a model and say its architecture, parameters, size, tokenizer and context")
    .argument("<model>", "a model folder, or the name of a model that was pulled")
    .option("--revision <name>", "of a model that was pulled", "main")
    .option("--json", "print one JSON object")
    .action(async (name: string, options: { revision: string; json?: boolean }) => {
      const { describeModel, findModel } = await import("../model/files/index.js");
      const d = await describeModel(findModel(name, options.revision));
      if (options.json) {
        printJson(d);
        return;
      }
      const { config: c, tokenizer: t } = d;
      const count = (value: number): string => value.toLocaleString("en-US");
      const lines: [string, string][] = [
        ["folder", d.folder],
        ["architecture", d.architecture],
        ["parameters", count(d.parameters)],
        ["size", `${size(d.bytes)} stored as ${d.storedAs.join(", ")}; ${size(d.bytesInMemory)} in memory`],
        ["layers", `${c.layers} of width ${c.hiddenSize}, SwiGLU ${c.intermediateSize}`],
        [
          "attention",
          `${c.heads} heads of ${c.headDim}, ${c.keyValueHeads} key/value heads, rope theta ${c.ropeTheta}`,
        ],
        ["embeddings", `${count(c.vocabSize)} rows, ${c.tiedEmbeddings ? "tied" : "untied"}`],
        ["context", `${count(c.maxPositions)} tokens`],
        [
          "tokenizer",
          t
            ? `${count(t.size)} tokens, ends with ${t.eos.join(" or ") || "nothing"}, ${t.chatTemplate ? "with" : "without"} a chat template`
            : "none",
        ],
      ];
      for (const [what, value] of lines) process.stdout.write(`${what.padEnd(13)}${value}\n`);
    });
}

/** Bytes in the unit that reads best. */
function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${units[unit]}`;
}
