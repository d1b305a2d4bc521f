import type { Random } from "../../base/index.js";
import type { Message } from "../prompts/index.js";

/** How an answer is sampled. */
export interface CompletionOptions {
  readonly maxTokens: number;
  /** 0 takes the most likely token each time. */
  readonly temperature: number;
  /** Where chance comes from, if the model is ours; a remote one gets a seed drawn from it. */
  readonly random: Random;
}

/** One answer and what it cost. */
export interface Answer {
  readonly text: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Anything that answers a chat: our own policy, an ONNX model, an endpoint on the network. */
export interface Completer {
  /** Everything that a run record must hold to repeat it; never a key. */
  readonly settings: Readonly<Record<string, unknown>>;
  complete(messages: readonly Message[], options: CompletionOptions): Promise<Answer>;
}
