/**
 * Any OpenAI-compatible endpoint (vLLM, llama.cpp, Ollama, a cloud) as a model that answers. The official client
 * retries what may pass (408, 409, 429, 5xx, a cut connection, a time-out) with growing pauses and obeys
 * `Retry-After`; what it gives up on becomes one clear sentence without the key.
 */
import { checked, InputError } from "../../base/index.js";
import type { Answer, Completer } from "./completer.js";
import { bodyOf, type Dialect, dialectSettings, extraFields } from "./dialect.js";
import { streamed, whole } from "./endpoint-answers.js";
import { type Client, inWords, mayPass, questionRefused } from "./endpoint-errors.js";
import { fetchWhole } from "./fetch-whole.js";
import { limiter, pause } from "./limiter.js";

export interface EndpointOptions extends Dialect {
  /** For example `http://127.0.0.1:8000/v1`. */
  readonly baseUrl: string;
  /** The model's name, as the endpoint knows it. */
  readonly model: string;
  /** Name of the environment variable that holds the key; local servers need none. Default `OPENAI_API_KEY`. */
  readonly keyVariable?: string;
  /** Requests in flight at once. Default 4. */
  readonly concurrency?: number;
  /** Requests started in a minute at most; absent: no limit. */
  readonly perMinute?: number;
  /** How often one request is tried again. Default 5. */
  readonly retries?: number;
  /**
   * Milliseconds until a request is given up (and tried again): until its answer is there whole or, of a stream, between two
   * pieces. Default 60000.
   */
  readonly timeout?: number;
  /** Stream the answer, for endpoints that close idle connections. Default false. */
  readonly stream?: boolean;
  /** Further headers of every request; they stand in no record. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Dollars per million prompt and completion tokens, for the cost in the record. */
  readonly price?: { readonly prompt: number; readonly completion: number };
}

/** Requests to an endpoint so far, and their tokens. */
export interface EndpointUsage {
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Null without a price. */
  readonly dollars: number | null;
}

/**
 * Opens an endpoint; nothing is sent yet.
 * @throws InputError for an address that is not http(s), no model name, or a key variable that was named and is not set.
 */
export async function openEndpoint(
  options: EndpointOptions,
): Promise<Completer & { usage(): EndpointUsage }> {
  const {
    baseUrl,
    model,
    keyVariable = "OPENAI_API_KEY",
    concurrency = 4,
    retries = 5,
    timeout = 60000,
  } = options;
  if (!/^https?:\/\/[^\s/]+/.test(baseUrl)) {
    throw new InputError(
      `The endpoint's address "${baseUrl}" is not an http(s) URL, such as http://127.0.0.1:8000/v1.`,
    );
  }
  if (model === "") throw new InputError("The endpoint needs the name of a model (--model).");
  if (options.keyVariable !== undefined && !process.env[keyVariable]) {
    throw new InputError(
      `The environment variable ${keyVariable}, which should hold the endpoint's key, is not set.`,
    );
  }
  checked(extraFields, options.extra ?? {}, "the endpoint's further fields (--extra)");
  const library = await import("openai");
  const client = new library.OpenAI({
    baseURL: baseUrl,
    // Local servers ignore the key, but the client insists on one.
    apiKey: process.env[keyVariable] ?? "none",
    maxRetries: retries,
    timeout: 2 * timeout + 1000, // never before ours, which covers the answer's body as well
    fetch: fetchWhole(timeout),
    defaultHeaders: { ...options.headers },
    logLevel: "off", // or OPENAI_LOG could put requests among the answers on stdout
  });
  const enter = limiter(concurrency, options.perMinute);
  let [requests, promptTokens, completionTokens] = [0, 0, 0];

  const send = async (body: Record<string, unknown>): Promise<Answer> => {
    const answer = options.stream ? await streamed(client, body) : await whole(client, body);
    requests += 1;
    promptTokens += answer.promptTokens;
    completionTokens += answer.completionTokens;
    return answer;
  };

  return {
    settings: { endpoint: new URL(baseUrl).origin, model, ...dialectSettings(options) },
    counted: true,
    remote: { concurrency },
    async complete(messages, sampling) {
      const body = bodyOf(messages, sampling, options); // once: a question that is repeated draws no other seed
      const leave = await enter();
      try {
        return await again(library, () => send(body), retries);
      } catch (error) {
        const failed = questionRefused(library, error);
        if (failed !== null) return { text: "", promptTokens: 0, completionTokens: 0, failed };
        throw inWords(library, error, baseUrl, keyVariable);
      } finally {
        leave();
      }
    },
    usage: () => ({
      requests,
      promptTokens,
      completionTokens,
      dollars: options.price
        ? (promptTokens * options.price.prompt + completionTokens * options.price.completion) / 1e6
        : null,
    }),
  };
}

/** Tries again what the client cannot know to be broken: a reply of the wrong form, or a connection cut in its body. */
async function again<T>(library: Client, attempt: () => Promise<T>, retries: number): Promise<T> {
  for (let tried = 0; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (!mayPass(library, error) || tried >= retries) throw error;
      await pause(Math.min(8000, 250 * 2 ** tried));
    }
  }
}
