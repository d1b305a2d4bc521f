/** A failed request as one sentence. It never holds the key, even where the endpoint repeats it. */
import type OpenAI from "openai";
import { InputError, messageOf, RunError } from "../../base/index.js";
import { MalformedReply, ServerSaid } from "./endpoint-answers.js";
import { Silence } from "./fetch-whole.js";

/** The client, loaded when an endpoint is opened: most runs need none. */
export type Client = typeof import("openai");

/** Whether a failed request may do when it is repeated, where the client itself does not try again. */
export function mayPass({ APIError, APIConnectionError }: Client, error: unknown): boolean {
  if (error instanceof ServerSaid) return passes(error.status);
  if (error instanceof MalformedReply || error instanceof Silence || !(error instanceof APIError))
    return true;
  // An error within a stream has no status of its own.
  return error.status === undefined && !(error instanceof APIConnectionError);
}

function passes(status: number | undefined): boolean {
  return status === undefined || status === 408 || status === 409 || status === 429 || status >= 500;
}

/** Why a question got no answer that is no fault of the server or the options: the question itself is at fault. */
export function questionRefused({ APIError }: Client, error: unknown): string | null {
  if (!(error instanceof APIError) || error.status !== 400) return null;
  const { code, message } = error as InstanceType<typeof OpenAI.APIError>;
  if (code === "content_filter") return "the server's content filter refused the question";
  return code === "context_length_exceeded" || /maximum context length/i.test(message)
    ? "the question is longer than the model's context"
    : null;
}

export function inWords(library: Client, error: unknown, baseUrl: string, keyVariable: string): Error {
  const { APIConnectionError, APIConnectionTimeoutError, APIError } = library;
  const where = `The endpoint ${new URL(baseUrl).origin}`;
  if (error instanceof APIConnectionTimeoutError || error instanceof Silence) {
    return new RunError(`${where} did not answer in time.`);
  }
  if (error instanceof APIConnectionError) {
    return new RunError(`${where} could not be reached: is the server running, and the address right?`);
  }
  const safe = withoutKey(messageOf(error), process.env[keyVariable]);
  const status = error instanceof APIError || error instanceof ServerSaid ? error.status : null;
  if (status === null) return new RunError(`${where} gave an answer that cannot be used: ${safe}.`);
  // The client puts the status before what the server said.
  const words = safe.replace(new RegExp(`^${status ?? "undefined"} `), "").replace(/[.\s]+$/, "");
  const quoted = /^(status code \(no body\)|\(no status code or body\))?$/.test(words)
    ? ""
    : ` It said: ${words}.`;
  if (status === 401 || status === 403) {
    return new InputError(
      `${where} refused the key (${status}): set ${keyVariable} to a valid one.${quoted}`,
    );
  }
  if (status === 404) {
    return new InputError(
      `${where} does not know this path or model (404): check --base-url and --model.${quoted}`,
    );
  }
  if (status !== undefined && !passes(status)) {
    const why = quoted === "" ? ` with status ${status}, without a reason` : `: ${words}`;
    return new InputError(`${where} refused the request${why}.${hintOf(words)}`);
  }
  return new RunError(
    `${where} failed${status === undefined ? "" : ` with status ${status}`} after every retry.${quoted}`,
  );
}

/** The option that a refusal asks for. */
function hintOf(words: string): string {
  if (/max_completion_tokens/.test(words)) return " Try --token-limit max_completion_tokens.";
  for (const field of ["temperature", "seed"]) {
    if (new RegExp(`\\b${field}\\b`, "i").test(words)) return ` Try --omit ${field}.`;
  }
  return "";
}

function withoutKey(text: string, key: string | undefined): string {
  const safe = key ? text.replaceAll(key, "…") : text; // before it is cut, or half of a key could stay
  return safe.replace(/\s+/g, " ").trim().slice(0, 300);
}
