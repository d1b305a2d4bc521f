/** The request format of one server, where it differs from the protocol: reasoning models, strict gateways, older servers. */
import { z } from "zod";
import { checked, readJson } from "../../base/index.js";
import type { Message } from "../prompts/index.js";
import type { CompletionOptions } from "./completer.js";

/** The differences of a request from the protocol's usual one. */
export interface Dialect {
  /** The field of the limit of an answer's length; "none" sends no limit. Default `max_tokens`. */
  readonly tokenLimit?: "max_tokens" | "max_completion_tokens" | "none";
  /** Fields that the server refuses. */
  readonly omit?: readonly ("temperature" | "seed")[];
  /** A message's content as a list of parts. Default: a text. */
  readonly contentParts?: boolean;
  /** Further fields of the body, e.g. `{"chat_template_kwargs": {"enable_thinking": false}}`. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Fields that are the request itself. */
const OURS = new Set(["model", "messages", "stream", "stream_options"]);

export const extraFields = z
  .record(z.string(), z.unknown())
  .refine((fields) => !Object.keys(fields).some((name) => OURS.has(name)), {
    message: `it must not set ${[...OURS].join(", ")}`,
  });

const count = z.int().positive();
const fileSchema = z.strictObject({
  baseUrl: z.string(),
  model: z.string().min(1),
  keyVariable: z.string().min(1).optional(),
  concurrency: count.max(1000).optional(),
  perMinute: count.optional(),
  retries: z.int().min(0).max(100).optional(),
  /** Seconds. */
  timeout: z.number().positive().max(86_400).optional(),
  stream: z.boolean().optional(),
  price: z
    .strictObject({ prompt: z.number().nonnegative(), completion: z.number().nonnegative() })
    .optional(),
  headers: z.record(z.string(), z.string()).optional(),
  tokenLimit: z.enum(["max_tokens", "max_completion_tokens", "none"]).optional(),
  omit: z.array(z.enum(["temperature", "seed"])).optional(),
  contentParts: z.boolean().optional(),
  extra: extraFields.optional(),
});

/** The settings of an endpoint in a file; `timeout` is in seconds there. */
export type EndpointFile = z.infer<typeof fileSchema>;

/**
 * Reads a file about an endpoint.
 * @throws InputError when it is not one
 */
export function readEndpointFile(path: string): EndpointFile {
  return checked(fileSchema, readJson(path, "endpoint"), path);
}

/** The body of a request. */
export function bodyOf(
  messages: readonly Message[],
  { maxTokens, temperature, random }: CompletionOptions,
  {
    model,
    tokenLimit = "max_tokens",
    omit = [],
    contentParts = false,
    extra = {},
  }: Dialect & { readonly model: string },
): Record<string, unknown> {
  const seed = random.below(2 ** 31); // drawn also where it is not sent: what is drawn afterwards stays the same
  return {
    model,
    messages: messages.map(({ role, content }) => ({
      role,
      content: contentParts ? [{ type: "text", text: content }] : content,
    })),
    ...(tokenLimit === "none" ? {} : { [tokenLimit]: maxTokens }),
    ...(omit.includes("temperature") ? {} : { temperature }),
    ...(omit.includes("seed") ? {} : { seed }),
    ...extra,
  };
}

/** The part of it that a run record must hold: nothing where all is as usual. */
export function dialectSettings({ tokenLimit, omit, contentParts, extra }: Dialect): Record<string, unknown> {
  const given = {
    ...(tokenLimit === undefined || tokenLimit === "max_tokens" ? {} : { tokenLimit }),
    ...(omit === undefined || omit.length === 0 ? {} : { omit: [...omit].sort() }),
    ...(contentParts === true ? { contentParts } : {}),
    ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
  };
  return Object.keys(given).length === 0 ? {} : { request: given };
}
