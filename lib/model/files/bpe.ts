/**
 * Training a byte-level BPE tokenizer (Sennrich et al. 2016, on bytes as in GPT-2) in the format of Hugging Face's
 * `tokenizer.json`, with Qwen2's way of cutting text into words. The same texts give the same file, byte for byte, and the
 * merges are those that Hugging Face's own trainer finds.
 */
import { join } from "node:path";
import { writeFileWhole, writeJson } from "../../base/index.js";
import { byteCharacters } from "./byte-level.js";
import { learnMerges } from "./bpe-merges.js";

/** Qwen2's special tokens, in its order: end of a document, start and end of a turn. */
export const chatmlSpecials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] as const;

/** ChatML, as Qwen2 writes it, without a default system prompt. */
export const chatmlTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** How Qwen2 cuts text into words: contractions, letters with one leading mark, single digits, punctuation, line ends, space. */
const WORDS =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** The same for JavaScript, which before Node 23 knows no `(?i:…)`; `\s` differs only on U+FEFF and U+0085. */
const WORDS_HERE = new RegExp(
  WORDS.replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])")
    .replaceAll("\\s", "\\p{White_Space}")
    .replaceAll("\\S", "\\P{White_Space}"),
  "gu",
);

/** The content of a `tokenizer.json`. */
export interface TokenizerFile {
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly string[];
    readonly [key: string]: unknown;
  };
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
  readonly [key: string]: unknown;
}

/**
 * Trains a tokenizer: the 256 bytes, then the merges that pay most, then the special tokens.
 * @param vocabSize ids in all; fewer come out when the texts have no more pairs to merge
 * @param specials tokens that are never cut nor made from text
 * @throws RangeError when `vocabSize` leaves no room for the bytes and the special tokens
 */
export function trainByteLevelBpe(
  texts: Iterable<string>,
  vocabSize: number,
  specials: readonly string[] = chatmlSpecials,
): TokenizerFile {
  const room = vocabSize - specials.length;
  if (!Number.isInteger(vocabSize) || room < 256) {
    throw new RangeError(
      `A vocabulary of ${vocabSize} has no room for 256 bytes and ${specials.length} special tokens.`,
    );
  }
  // The alphabet in the order of its characters, as Hugging Face's trainer numbers it: ties are broken by these ids.
  const alphabet = [...byteCharacters()].sort();
  const { tokens, merges } = learnMerges(countWords(texts), alphabet, room);
  const added = specials.map((content, i) => ({
    id: tokens.length + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: WORDS }, behavior: "Isolated", invert: false },
        byteLevel,
      ],
    },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

/**
 * Writes `tokenizer.json` and `tokenizer_config.json` so that transformers loads them, in Python and here.
 * @param options.maxLength the model's positions
 * @param options.eos the special token that ends a turn. __Default:__ `<|im_end|>`
 * @param options.chatTemplate Jinja; __default:__ ChatML
 * @throws RunError when they cannot be written
 */
export function saveTokenizer(
  folder: string,
  tokenizer: TokenizerFile,
  options: {
    readonly maxLength: number;
    readonly eos?: string;
    readonly pad?: string;
    readonly chatTemplate?: string;
  },
): void {
  const { maxLength, eos = "<|im_end|>", pad = "<|endoftext|>", chatTemplate = chatmlTemplate } = options;
  for (const token of [eos, pad]) {
    if (!tokenizer.added_tokens.some(({ content }) => content === token)) {
      throw new RangeError(`"${token}" is not a special token of this tokenizer.`);
    }
  }
  writeFileWhole(join(folder, "tokenizer.json"), `${JSON.stringify(tokenizer)}\n`);
  writeJson(join(folder, "tokenizer_config.json"), {
    add_bos_token: false,
    add_prefix_space: false,
    added_tokens_decoder: Object.fromEntries(tokenizer.added_tokens.map(({ id, ...token }) => [id, token])),
    bos_token: null,
    chat_template: chatTemplate,
    clean_up_tokenization_spaces: false,
    eos_token: eos,
    model_max_length: maxLength,
    pad_token: pad,
    padding_side: "right",
    split_special_tokens: false,
    tokenizer_class: "Qwen2Tokenizer",
    unk_token: null,
  });
}

/** How often each word occurs, words in the byte alphabet. */
function countWords(texts: Iterable<string>): Map<string, number> {
  const characters = byteCharacters();
  const raw = new Map<string, number>();
  for (const text of texts) {
    for (const [word] of text.normalize("NFC").matchAll(WORDS_HERE)) raw.set(word, (raw.get(word) ?? 0) + 1);
  }
  const counts = new Map<string, number>();
  for (const [word, count] of raw) {
    const spelled = Array.from(Buffer.from(word, "utf8"), (byte) => characters[byte]!).join("");
    counts.set(spelled, (counts.get(spelled) ?? 0) + count);
  }
  return counts;
}
