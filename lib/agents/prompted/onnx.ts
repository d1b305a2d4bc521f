/** Any ONNX chat model as a model that answers, through @huggingface/transformers: a local folder, or one of the hub's. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type {
  LogitsProcessorList,
  PreTrainedModel,
  PreTrainedTokenizer,
  Tensor,
} from "@huggingface/transformers";
import { InputError, messageOf, type Random, RunError, stream } from "../../base/index.js";
import type { Agent } from "../types.js";
import type { Completer, CompletionOptions } from "./completer.js";
import { fingerprintOf } from "./local.js";

export interface OnnxOptions {
  /** How the weights are stored, as the folder's files are named: `fp32`, `fp16`, `q8`, `q4`, … Default `fp32`. */
  readonly dtype?: string;
}

/** The number of threads and their order, for transformers; one thread repeats itself to the bit on one machine. */
const SESSION = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: "sequential" } as const;

/**
 * Opens an ONNX chat model on ONNX Runtime's CPU. A folder is read as it is; any other name is one of the hub's, fetched into
 * transformers' cache.
 * @throws InputError when there is no such model, or it has no chat template or no ONNX weights
 */
export async function openOnnx(
  model: string,
  { dtype = "fp32" }: OnnxOptions = {},
): Promise<Completer & { readonly model?: NonNullable<Agent["model"]> }> {
  const transformers = await import("@huggingface/transformers");
  const { AutoModelForCausalLM, AutoTokenizer } = transformers;
  const local = existsSync(model);
  // An absolute path, because "a/b" would be taken for a repository's name.
  const name = local ? resolve(model) : model;
  let tokenizer: PreTrainedTokenizer;
  let network: PreTrainedModel;
  try {
    tokenizer = await AutoTokenizer.from_pretrained(name, { local_files_only: local });
    const options = { local_files_only: local, dtype, device: "cpu", session_options: SESSION };
    network = await AutoModelForCausalLM.from_pretrained(
      name,
      options as Parameters<typeof AutoModelForCausalLM.from_pretrained>[1],
    );
  } catch (error) {
    const why = messageOf(error).split("\n")[0]!.replaceAll(name, model);
    throw new InputError(`${model} cannot be opened as an ONNX model of type ${dtype}: ${why}.`);
  }
  if (!tokenizer.chat_template)
    throw new InputError(`${model} is not a chat model: its tokenizer has no chat template.`);
  const { draw } = await import("../../policy/index.js");

  /** Draws as our own policy does, from our own stream: every logit but the drawn token's is masked. */
  class Draw extends transformers.LogitsProcessor {
    constructor(
      private readonly temperature: number,
      private readonly random: Random,
    ) {
      super();
    }
    override _call(_ids: bigint[][], logits: Tensor): Tensor {
      const values = logits.data as Float32Array;
      const scratch = { weights: new Float64Array(values.length) };
      const { id } = draw(values, { temperature: this.temperature }, this.random, scratch);
      values.fill(-Infinity);
      values[id] = 0;
      return logits;
    }
  }
  const { eos_token_id: end } = network.generation_config as { eos_token_id?: number | number[] | null };
  const ends = new Set([end ?? []].flat());
  const answer = async (
    messages: Parameters<Completer["complete"]>[0],
    { maxTokens, temperature, random }: CompletionOptions,
  ): ReturnType<Completer["complete"]> => {
    const text = tokenizer.apply_chat_template(
      messages.map(({ role, content }) => ({ role, content })),
      { tokenize: false, add_generation_prompt: true },
    ) as string;
    const inputs = tokenizer(text, { add_special_tokens: false }) as { input_ids: Tensor };
    const promptTokens = inputs.input_ids.dims[1]!;
    const processors: LogitsProcessorList = new transformers.LogitsProcessorList();
    // The stream that our own policy would draw from: where both compute the same, they say the same.
    processors.push(new Draw(temperature, stream(random.below(2 ** 31), "answer", 0)));
    const output = (await network.generate({
      ...inputs,
      max_new_tokens: maxTokens,
      do_sample: false,
      logits_processor: processors,
    } as Parameters<PreTrainedModel["generate"]>[0])) as Tensor;
    const ids = (output.tolist() as bigint[][])[0]!.slice(promptTokens).map(Number);
    return {
      text: tokenizer.decode(ids, { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
      promptTokens,
      completionTokens: ids.length,
      truncated: ids.length >= maxTokens && !ends.has(ids.at(-1)!),
    };
  };
  return {
    settings: { onnx: model, dtype },
    counted: true,
    // A model of the hub's is known by its name alone.
    ...(local ? { model: { name: model, fingerprint: fingerprintOf(model), backend: "onnx" } } : {}),
    async complete(messages, options) {
      try {
        return await answer(messages, options);
      } catch (error) {
        throw new RunError(`The ONNX model ${model} failed: ${messageOf(error).split("\n")[0]!}.`);
      }
    },
  };
}
