/**
 * Text to token ids and back, through @huggingface/transformers' AutoTokenizer on a local folder. Nothing here touches the
 * network. No special token is ever added on its own: what is written is what is encoded, and a special token that stands
 * in the text (`<|im_end|>`) is recognised as such.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { PreTrainedTokenizer } from "@huggingface/transformers";
import { z } from "zod";
import { InputError, messageOf, readJson, readText } from "../../base/index.js";
import { bytesOfToken } from "./byte-level.js";
import type { ModelConfig } from "./config.js";

/** One turn of a conversation. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** A loaded tokenizer. */
export interface Tokenizer {
  /** Every id is below it. Some ids may stand for nothing. */
  readonly size: number;
  /** The token of texts that are made equally long. */
  readonly padId: number;
  /** Tokens after which generation stops, as the tokenizer, `config.json` and `generation_config.json` name them. */
  readonly eosIds: readonly number[];
  /** Tokens that are not text, by their spelling, e.g. `<|im_end|>`. */
  readonly specials: ReadonlyMap<string, number>;
  /** Whether the model brings a chat template. */
  readonly hasChat: boolean;
  /** The ids of a text. */
  encode(text: string): number[];
  /** The text of ids, exactly (no spaces are tidied). Bytes that are no UTF-8 become U+FFFD. */
  decode(ids: readonly number[], options?: { readonly skipSpecials?: boolean }): string;
  /**
   * The bytes that each token stands for, by id: for constrained decoding, and for streaming, where one character can be
   * spread over several tokens. Special tokens have the bytes of their spelling, ids without a token none.
   */
  bytes(id: number): Uint8Array;
  /** The text of a conversation by the model's chat template, ready for the assistant's turn unless told otherwise. */
  chatText(messages: readonly ChatMessage[], options?: { readonly prompt?: boolean }): string;
  /** `encode(chatText(…))`. */
  chat(messages: readonly ChatMessage[], options?: { readonly prompt?: boolean }): number[];
}

const TokenizerJson = z.looseObject({
  model: z.looseObject({ type: z.string().optional() }),
  decoder: z.unknown().optional(),
  added_tokens: z
    .array(
      z.looseObject({
        id: z.number().int().nonnegative(),
        content: z.string(),
        special: z.boolean().optional(),
      }),
    )
    .default([]),
});
const TokenizerConfig = z.looseObject({
  tokenizer_class: z.string().nullish(),
  chat_template: z.unknown().optional(),
});
const GenerationConfig = z.looseObject({
  eos_token_id: z.union([z.number().int(), z.array(z.number().int())]).nullish(),
});

/**
 * Loads the tokenizer of a model folder.
 * @param model checked against it: every id must have a row in the embedding
 * @throws InputError when a file is missing or broken, or the tokenizer does not fit the model
 */
export async function loadTokenizer(folder: string, model?: ModelConfig): Promise<Tokenizer> {
  const json = checkedJson(folder, "tokenizer.json", TokenizerJson);
  const config = checkedJson(folder, "tokenizer_config.json", TokenizerConfig);
  const inner = await openTokenizer(folder);
  const template = chatTemplate(folder, config.chat_template);

  const tokens: string[] = [];
  for (const [token, id] of inner.get_vocab()) tokens[id] = token;
  for (const { id, content } of json.added_tokens) tokens[id] = content;
  const literal = new Set(json.added_tokens.map(({ id }) => id)); // added tokens are spelled as they are
  const specials = new Map(json.added_tokens.filter((t) => t.special).map((t) => [t.content, t.id]));
  const size = tokens.length;
  if (model && size > model.vocabSize) {
    throw new InputError(
      `The tokenizer in ${folder} does not fit the model: it has ids up to ${size - 1}, and the embedding has ` +
        `${model.vocabSize} rows.`,
    );
  }
  const eosIds = new Set<number>();
  if (inner.eos_token_id !== undefined) eosIds.add(inner.eos_token_id);
  for (const id of model?.eosTokenIds ?? []) eosIds.add(id);
  for (const id of generationEos(folder)) eosIds.add(id);
  const [firstEos] = eosIds;
  const byteLevel = JSON.stringify(json.decoder ?? null).includes('"ByteLevel"');
  const utf8 = new TextEncoder();
  const bytes: Uint8Array[] = [];

  const decode: Tokenizer["decode"] = (ids, { skipSpecials = false } = {}) =>
    ids.length === 0
      ? ""
      : inner.decode([...ids], { skip_special_tokens: skipSpecials, clean_up_tokenization_spaces: false });
  const chatText: Tokenizer["chatText"] = (messages, { prompt = true } = {}) => {
    if (template === undefined) throw new InputError(`The tokenizer in ${folder} has no chat template.`);
    try {
      return inner.apply_chat_template(
        messages.map(({ role, content }) => ({ role, content })),
        { tokenize: false, add_generation_prompt: prompt, chat_template: template },
      ) as string;
    } catch (error) {
      throw new InputError(`The chat template in ${folder} refuses these messages: ${messageOf(error)}.`);
    }
  };
  const makeBytes = (id: number): Uint8Array => {
    const token = tokens[id];
    if (token === undefined) return new Uint8Array();
    if (literal.has(id)) return utf8.encode(token);
    return byteLevel ? bytesOfToken(token) : utf8.encode(decode([id]));
  };
  const encode: Tokenizer["encode"] = (text) => inner.encode(text, { add_special_tokens: false });
  return {
    size,
    padId: inner.pad_token_id ?? firstEos ?? 0,
    eosIds: [...eosIds],
    specials,
    hasChat: template !== undefined,
    encode,
    decode,
    bytes: (id) => (bytes[id] ??= makeBytes(id)),
    chatText,
    chat: (messages, options) => encode(chatText(messages, options)),
  };
}

/** Rows of different lengths as one rectangle, and where the real tokens are. */
export interface PaddedRows {
  /** `[rows, length]`, row-major. */
  readonly ids: Int32Array;
  /** 1 for a real token, 0 for padding; `[rows, length]`. */
  readonly mask: Int32Array;
  readonly length: number;
}

/** Pads rows to the longest. The side is always said: right for training, left for decoding a batch. */
export function padRows(
  rows: readonly (readonly number[])[],
  padId: number,
  side: "left" | "right",
): PaddedRows {
  const length = rows.reduce((longest, row) => Math.max(longest, row.length), 0);
  const ids = new Int32Array(rows.length * length).fill(padId);
  const mask = new Int32Array(rows.length * length);
  rows.forEach((row, r) => {
    const at = r * length + (side === "left" ? length - row.length : 0);
    ids.set(row, at);
    mask.fill(1, at, at + row.length);
  });
  return { ids, mask, length };
}

function checkedJson<T>(folder: string, name: string, schema: z.ZodType<T>): T {
  const path = join(folder, name);
  if (!existsSync(path)) throw new InputError(`${folder} has no tokenizer: there is no ${name}.`);
  const parsed = schema.safeParse(readJson(path, "tokenizer"));
  if (!parsed.success) throw new InputError(`${path} is not a tokenizer's file.`);
  return parsed.data;
}

async function openTokenizer(folder: string): Promise<PreTrainedTokenizer> {
  const { AutoTokenizer } = await import("@huggingface/transformers");
  try {
    // An absolute path, because "a/b" would be taken for a repository's name.
    return await AutoTokenizer.from_pretrained(resolve(folder), { local_files_only: true });
  } catch (error) {
    throw new InputError(`The tokenizer in ${folder} cannot be used: ${messageOf(error)}.`);
  }
}

/** The template beside the tokenizer (as transformers saves it now), else the one inside its configuration (as before). */
function chatTemplate(folder: string, inConfig: unknown): string | undefined {
  const path = join(folder, "chat_template.jinja");
  if (existsSync(path)) return readText(path, "chat template");
  if (typeof inConfig === "string") return inConfig;
  const named = z.array(z.object({ name: z.string(), template: z.string() })).safeParse(inConfig);
  return named.success ? named.data.find(({ name }) => name === "default")?.template : undefined;
}

function generationEos(folder: string): readonly number[] {
  const path = join(folder, "generation_config.json");
  if (!existsSync(path)) return [];
  const parsed = GenerationConfig.safeParse(readJson(path, "generation defaults"));
  if (!parsed.success) throw new InputError(`${path} is not a file of generation defaults.`);
  const eos = parsed.data.eos_token_id;
  return typeof eos === "number" ? [eos] : (eos ?? []);
}
