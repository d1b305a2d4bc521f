import type { Random } from "../../base/index.js";
import type { Message } from "../prompts/index.js";
import type { Usage } from "../types.js";

/** How an answer is sampled. */
export interface CompletionOptions {
  readonly maxTokens: number;
  /** 0 takes the most likely token each time. */
  readonly temperature: number;
  /** Where chance comes from, if the model is ours; a remote one gets a seed drawn from it. */
  readonly random: Random;
}

/** One answer and what it took. */
export interface Answer {
  readonly text: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Anything that answers a chat: our own policy, an ONNX model, an endpoint on the network. */
export interface Completer {
  /** Everything that a run record must hold to repeat it; never a key. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Run records say what its answers took. Our own policy's do not: they cost nothing but the time that provenance has. */
  readonly counted?: boolean;
  /** It runs elsewhere, and this many questions at once are worth asking. */
  readonly remote?: { readonly concurrency: number };
  /** It is here, and so many questions at once are worth asking: they are answered in one pass. */
  readonly together?: number;
  /** Whether a prompt leaves room for so many tokens; absent where nobody here knows. */
  fits?(messages: readonly Message[], maxTokens: number): boolean;
  complete(messages: readonly Message[], options: CompletionOptions): Promise<Answer>;
}

/** The same completer, and a count of the answers that it gave through this one. */
export function counting(completer: Completer): { readonly completer: Completer; usage(): Usage } {
  let usage: Usage = { requests: 0, promptTokens: 0, completionTokens: 0 };
  return {
    completer: {
      ...completer,
      async complete(messages, options) {
        const answer = await completer.complete(messages, options);
        usage = {
          requests: usage.requests + 1,
          promptTokens: usage.promptTokens + answer.promptTokens,
          completionTokens: usage.completionTokens + answer.completionTokens,
        };
        return answer;
      },
    },
    usage: () => usage,
  };
}
