/** Options of `--agent prompted`: which model answers, how it is asked, and what that costs. */
import { type Command, Option } from "commander";
import type { Agent, Completer, EndpointOptions, OptionMode, Variant } from "../agents/index.js";
import { InputError } from "../base/index.js";
import type { Catalogue } from "../simulator/index.js";
import type { Price } from "../runs/index.js";
import { integerOption, numberOption } from "./common.js";

/** The shipped base model. */
const BASE = "data/models/base";

/** The values of the options; `model` and `temperature` belong to other agents, too. */
export interface PromptingFlags extends Partial<EndpointOptions> {
  readonly agent: string;
  /** A file about an endpoint. */
  readonly endpoint?: string;
  readonly temperature?: number;
  readonly onnx?: string;
  readonly dtype?: string;
  readonly react?: boolean;
  readonly multiTurn?: boolean;
  /** The older name of `multiTurn`. */
  readonly act?: boolean;
  readonly fewShot?: number;
  readonly maxTokens?: number;
  readonly options?: OptionMode;
}

/** Adds them to a verb that plays. */
export function addPromptingOptions(command: Command): void {
  const modes: readonly OptionMode[] = ["match", "first", "none", "choose", "all-lists"];
  command
    .optionsGroup("Prompting (--agent prompted):")
    .option(
      "--base-url <url>",
      "an OpenAI-compatible endpoint answers, e.g. http://127.0.0.1:8000/v1, with --model",
    )
    .option("--onnx <model>", "an ONNX chat model answers: a folder, or a model on the Hugging Face hub")
    .option("--dtype <name>", "of --onnx: which of its files, such as fp32, fp16, q8, q4 (default: fp32)")
    .option("--multi-turn", "one action at a time, to the purchase, instead of two decisions")
    .addOption(new Option("--act", "the older name of --multi-turn").hideHelp())
    .option("--react", "the same with a thought before each action")
    .option("--few-shot <k>", "k worked examples, from train goals", integerOption("--few-shot", 1, 100))
    .option("--max-tokens <n>", "of an answer at most", integerOption("--max-tokens", 1))
    .addOption(
      new Option("--options <mode>", "who chooses options after two decisions (default: match)").choices(
        modes,
      ),
    )
    .optionsGroup("Endpoint (--base-url):")
    .option("--endpoint <file>", "a JSON file with these options and --base-url, --model (docs/prompting.md)")
    .addOption(
      new Option("--token-limit <field>", "how an answer's length is limited (default: max_tokens)").choices([
        "max_tokens",
        "max_completion_tokens",
        "none",
      ]),
    )
    .option("--omit <fields...>", "do not send temperature, or seed, to servers that refuse them", omitOption)
    .option("--content-parts", "send each message's content as a list of parts")
    .option("--extra <json>", "further fields of each request, as a JSON object", extraOption)
    .option("--key-variable <name>", "environment variable with the key (default: OPENAI_API_KEY)")
    .option("--concurrency <n>", "episodes at once (default: 4)", integerOption("--concurrency", 1, 1000))
    .option("--per-minute <n>", "questions a minute at most", integerOption("--per-minute", 1))
    .option(
      "--retries <n>",
      "how often a failed request is tried again (default: 5)",
      integerOption("--retries", 0, 100),
    )
    .option(
      "--timeout <s>",
      "seconds until a request is given up (default: 60)",
      numberOption("--timeout", 0.001, 86_400),
    )
    .option("--stream", "stream the answers")
    .option(
      "--price <prompt,completion>",
      "dollars per million tokens, for the cost in the record",
      priceOption,
    );
}

const ENDPOINT_ONLY = [
  "tokenLimit",
  "omit",
  "contentParts",
  "extra",
  "keyVariable",
  "concurrency",
  "perMinute",
  "retries",
  "timeout",
  "stream",
] as const;
const OWN = [
  "endpoint",
  "baseUrl",
  "onnx",
  "dtype",
  "react",
  "multiTurn",
  "act",
  "fewShot",
  "maxTokens",
  "options",
  "price",
  ...ENDPOINT_ONLY,
] as const;

/**
 * Whether the options ask for a prompted agent other than the shipped one.
 * @throws InputError when they do not go together
 */
export async function asksForPrompting(flags: PromptingFlags): Promise<boolean> {
  const own = OWN.filter((name) => flags[name] !== undefined);
  const [first] = own;
  if (flags.agent !== "prompted") {
    if (first !== undefined)
      throw new InputError(`${option(first)} belongs to --agent prompted, not to ${flags.agent}.`);
    return false;
  }
  // From here on the options are those of the file, where the command line does not say otherwise.
  if (flags.endpoint !== undefined) {
    const { readEndpointFile } = await import("../agents/index.js");
    Object.assign(flags, { ...readEndpointFile(flags.endpoint), ...flags });
  }
  if (flags.baseUrl === undefined) {
    const misplaced = ENDPOINT_ONLY.find((name) => flags[name] !== undefined);
    if (misplaced !== undefined) throw new InputError(`${option(misplaced)} needs an endpoint (--base-url).`);
  } else if (flags.model === undefined) {
    throw new InputError("--base-url needs the name of the endpoint's model (--model).");
  }
  if (flags.dtype !== undefined && flags.onnx === undefined)
    throw new InputError("--dtype needs an ONNX model (--onnx).");
  if (flags.onnx !== undefined && (flags.baseUrl ?? flags.model) !== undefined) {
    throw new InputError("--onnx names a model already: leave out --base-url and --model.");
  }
  if (flags.price !== undefined && flags.baseUrl === undefined && flags.onnx === undefined) {
    throw new InputError("--price needs a model whose tokens are counted: --base-url or --onnx.");
  }
  const multiTurn = flags.multiTurn ?? flags.act;
  if (multiTurn && flags.react)
    throw new InputError("--react is --multi-turn with a thought: give one of them.");
  if (flags.options !== undefined && (multiTurn || flags.react)) {
    throw new InputError(
      "--options is about two decisions; with --multi-turn and --react the agent clicks options itself.",
    );
  }
  return own.length > 0 || flags.model !== undefined;
}

/** The agent that the options describe. Nothing is sent and no key is needed until it plays. */
export async function promptingAgent(flags: PromptingFlags, catalogue: Catalogue): Promise<Agent> {
  const { PLAIN_FORM, VERL_AGENT_FORM, multiTurnAgent, promptedAgent, variantName } =
    await import("../agents/index.js");
  const { completer, shown, model } = await answering(flags);
  const form = flags.react ? VERL_AGENT_FORM : PLAIN_FORM;
  const protocol: Variant["protocol"] = flags.react
    ? "react"
    : (flags.multiTurn ?? flags.act)
      ? "multi-turn"
      : "two-decision";
  const { temperature, maxTokens, options, fewShot = 0 } = flags;
  const name = variantName({ model: shown, protocol, examples: fewShot, temperature });
  const exemplars =
    fewShot > 0
      ? (await import("../imitation/index.js")).workedExamples(catalogue, fewShot, form)
      : undefined;
  const asked = {
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(exemplars === undefined ? {} : { exemplars }),
  };
  return protocol === "two-decision"
    ? promptedAgent(name, completer, { ...asked, ...(options === undefined ? {} : { options }) }, model)
    : multiTurnAgent(name, completer, { ...asked, form }, model);
}

interface Answering {
  readonly completer: Completer;
  /** The names of its variants. */
  readonly shown: string;
  readonly model?: Agent["model"] | undefined;
}

async function answering(flags: PromptingFlags): Promise<Answering> {
  const { localCompleter, openEndpoint, openOnnx, openPlayer } = await import("../agents/index.js");
  const { baseUrl, model, keyVariable, concurrency, perMinute, retries, timeout, stream } = flags;
  const { tokenLimit, omit, contentParts, extra, headers } = flags;
  if (baseUrl !== undefined) {
    const given = {
      keyVariable,
      concurrency,
      perMinute,
      retries,
      stream,
      timeout: timeout && timeout * 1000,
      tokenLimit,
      omit,
      contentParts,
      extra,
      headers,
    };
    const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    return { completer: await openEndpoint({ baseUrl, model: model!, ...defined }), shown: model! };
  }
  const { onnx, dtype } = flags;
  if (onnx !== undefined) {
    const completer = await openOnnx(onnx, dtype === undefined ? {} : { dtype });
    return { completer, shown: onnx, model: completer.model };
  }
  const shown = model ?? BASE;
  const player = await openPlayer("prompted", shown, "it should be a model in Hugging Face's layout");
  return {
    completer: localCompleter(player.policy, player.tokenizer, shown),
    shown,
    model: player.model,
  };
}

function omitOption(text: string, before: readonly Omitted[] = []): Omitted[] {
  if (text === "temperature" || text === "seed") return [...before, text];
  throw new InputError(`--omit takes temperature or seed, not "${text}".`);
}
type Omitted = NonNullable<EndpointOptions["omit"]>[number];

/** Parses `{"top_p": 0.9}`. */
function extraOption(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // The sentence below says it.
  }
  throw new InputError(`--extra must be a JSON object such as {"top_p":0.9}, not ${text}.`);
}

/** An option as it is typed. */
function option(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Parses `0.15,0.6`. */
function priceOption(text: string): Price {
  const parts = text.split(",").map((part) => (/^\s*\d+(\.\d+)?\s*$/.test(part) ? Number(part) : NaN));
  if (parts.length !== 2 || parts.some(Number.isNaN)) {
    throw new InputError(
      `--price must be dollars per million prompt and completion tokens, such as 0.15,0.6, not "${text}".`,
    );
  }
  return { prompt: parts[0]!, completion: parts[1]! };
}
