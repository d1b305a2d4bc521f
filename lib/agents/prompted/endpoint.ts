/**
 * Any OpenAI-compatible endpoint (vLLM, llama.cpp, Ollama, a cloud) as a model that answers. The official client
 * retries what may pass (408, 409, 429, 5xx, a cut connection, a time-out) with growing pauses and obeys
 * `Retry-After`; what it gives up on becomes one clear sentence without the key.
 */
import type OpenAI from "openai";
import { InputError, messageOf, RunError } from "../../base/index.js";
import type { Answer, Completer, CompletionOptions } from "./completer.js";
import type { Message } from "../prompts/index.js";

export interface EndpointOptions {
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
  /** Milliseconds until a request is given up (and tried again). Default 60000. */
  readonly timeout?: number;
  /** Stream the answer, for endpoints that close idle connections. Default false. */
  readonly stream?: boolean;
  /** Dollars per million prompt and completion tokens, for the cost in the record. */
  readonly price?: { readonly prompt: number; readonly completion: number };
}

/** What an endpoint was asked for so far. */
export interface EndpointUsage {
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Null without a price. */
  readonly dollars: number | null;
}

/** The client, loaded when an endpoint is opened: most runs need none. */
type Client = typeof import("openai");

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
  const library = await import("openai");
  const client = new library.OpenAI({
    baseURL: baseUrl,
    // Local servers ignore the key, but the client insists on one.
    apiKey: process.env[keyVariable] ?? "none",
    maxRetries: retries,
    timeout,
    logLevel: "off", // or OPENAI_LOG could put requests among the answers on stdout
  });
  const enter = limiter(concurrency, options.perMinute);
  let [requests, promptTokens, completionTokens] = [0, 0, 0];

  const bodyOf = (messages: readonly Message[], sampling: CompletionOptions): Body => ({
    model,
    messages: messages.map(({ role, content }) => ({ role, content })),
    max_tokens: sampling.maxTokens,
    temperature: sampling.temperature,
    seed: sampling.random.below(2 ** 31),
  });
  const send = async (body: Body): Promise<Answer> => {
    const answer = options.stream ? await streamed(client, body) : await whole(client, body);
    requests += 1;
    promptTokens += answer.promptTokens;
    completionTokens += answer.completionTokens;
    return answer;
  };

  return {
    settings: { endpoint: new URL(baseUrl).origin, model },
    counted: true,
    remote: { concurrency },
    async complete(messages, sampling) {
      const body = bodyOf(messages, sampling); // once: a question that is repeated draws no other seed
      const leave = await enter();
      try {
        return await again(library, () => send(body), retries);
      } catch (error) {
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

/** A reply that is HTTP 200 but not a chat completion. */
class MalformedReply extends Error {}

type Body = Omit<OpenAI.Chat.ChatCompletionCreateParamsNonStreaming, "stream">;

async function whole(client: OpenAI, body: Body): Promise<Answer> {
  const reply: unknown = await client.chat.completions.create({ ...body, stream: false });
  const completion = reply as Partial<OpenAI.Chat.ChatCompletion> | null;
  const text = completion?.choices?.[0]?.message?.content;
  if (typeof text !== "string") throw new MalformedReply("the reply holds no choices[0].message.content");
  return {
    text,
    promptTokens: completion?.usage?.prompt_tokens ?? 0,
    completionTokens: completion?.usage?.completion_tokens ?? 0,
  };
}

async function streamed(client: OpenAI, body: Body): Promise<Answer> {
  const events = await client.chat.completions.create({
    ...body,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let finished = false;
  let usage: OpenAI.CompletionUsage | null | undefined;
  for await (const event of events) {
    const choice = event.choices?.[0];
    text += choice?.delta?.content ?? "";
    if (choice?.finish_reason) finished = true;
    usage = event.usage ?? usage;
  }
  // A connection that is cut between two events ends the stream without an error: the answer is not whole.
  if (!finished) throw new MalformedReply("the stream ended before the answer did");
  return { text, promptTokens: usage?.prompt_tokens ?? 0, completionTokens: usage?.completion_tokens ?? 0 };
}

/** Tries again what the client cannot know to be broken: a reply of the wrong form, or a connection cut in its body. */
async function again<T>({ APIError }: Client, attempt: () => Promise<T>, retries: number): Promise<T> {
  for (let tried = 0; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      const mayPass = error instanceof MalformedReply || !(error instanceof APIError);
      if (!mayPass || tried >= retries) throw error;
      await pause(Math.min(8000, 250 * 2 ** tried));
    }
  }
}

/** A failed request as one sentence. Neither the key nor the endpoint's echo of it is ever part of it. */
function inWords(library: Client, error: unknown, baseUrl: string, keyVariable: string): Error {
  const { APIConnectionError, APIConnectionTimeoutError, APIError } = library;
  const where = `The endpoint ${new URL(baseUrl).origin}`;
  if (error instanceof APIConnectionTimeoutError) return new RunError(`${where} did not answer in time.`);
  if (error instanceof APIConnectionError) {
    return new RunError(`${where} could not be reached: is the server running, and the address right?`);
  }
  const key = process.env[keyVariable];
  const said = messageOf(error).replace(/\s+/g, " ").slice(0, 300);
  const safe = key ? said.replaceAll(key, "…") : said;
  if (error instanceof APIError) {
    const { status } = error;
    if (status === 401 || status === 403) {
      return new InputError(`${where} refused the key (${status}): set ${keyVariable} to a valid one.`);
    }
    if (status === 404) {
      return new InputError(`${where} does not know this path or model (404): check --base-url and --model.`);
    }
    if (status === 400 || status === 422) return new InputError(`${where} refused the request: ${safe}.`);
    return new RunError(`${where} failed with status ${status ?? "unknown"} after every retry.`);
  }
  return new RunError(`${where} gave an answer that cannot be used: ${safe}.`);
}

/** Lets `concurrency` through at once and `perMinute` in any minute; the returned function gives the place back. */
function limiter(concurrency: number, perMinute?: number): () => Promise<() => void> {
  const waiting: (() => void)[] = [];
  const started: number[] = [];
  let inside = 0;
  return async () => {
    if (inside >= concurrency) await new Promise<void>((resume) => waiting.push(resume));
    else inside += 1; // a place that is handed over stays counted
    if (perMinute !== undefined) {
      while (started.length >= perMinute && Date.now() - started[started.length - perMinute]! < 60000) {
        await pause(started[started.length - perMinute]! + 60000 - Date.now());
      }
      started.push(Date.now());
      if (started.length > perMinute) started.shift();
    }
    return () => {
      const next = waiting.shift();
      if (next) next();
      else inside -= 1;
    };
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, Math.max(0, milliseconds)));
}
