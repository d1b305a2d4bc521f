/**
 * The thoughts of a thinking model before its answer, and the marks around answers. Servers that know a model's way of
 * thinking take it out themselves; of the others it arrives as text, each model with marks of its own.
 */

/** An answer without its thoughts and marks. */
export interface PlainAnswer {
  /** The answer after thinking, without a code fence around it. */
  readonly text: string;
  /** The thoughts; "" where there were none, or only an empty block. */
  readonly thinking: string;
  /** How it came. */
  readonly form: AnswerForm;
}

/**
 * `plain`: as it was asked for. `fenced`: inside a code fence, which was taken off. `empty`: nothing was said.
 * `cut`: it ended inside its thinking, or before anything was said.
 */
export type AnswerForm = "plain" | "fenced" | "empty" | "cut";

/** Opening and closing marks: DeepSeek, Qwen and most others; Seed; Magistral; Kimi. */
const MARKS: readonly (readonly [open: RegExp, close: RegExp])[] = [
  [
    /<(?:think|thinking|thought|reasoning|seed:think)>/i,
    /<\/(?:think|thinking|thought|reasoning|seed:think)>/i,
  ],
  [/\[THINK\]/, /\[\/THINK\]/],
  [/◁think▷/, /◁\/think▷/],
];
/** gpt-oss writes channels: only what follows the mark of the last one is the answer. */
const FINAL_CHANNEL = /<\|channel\|>final<\|message\|>/g;
const CHANNEL = /<\|channel\|>(?:analysis|commentary)/;
const FENCE = /^\s*(`{3,}|~{3,})[^\n`]*\n([^]*?)(?:\n[ \t]*\1[`~]*\s*)?$/;
const ONE_LINE_FENCE = /^\s*`{3,}([^`\n]*)`{3,}\s*$/;

/** @param truncated whether the answer was cut off at the limit of its length */
export function plainAnswer(answer: string, truncated = false): PlainAnswer {
  const { said, thinking, open } = withoutThinking(answer);
  const fenced = FENCE.exec(said)?.[2] ?? ONE_LINE_FENCE.exec(said)?.[1];
  const text = (fenced ?? said).trim();
  const form =
    open || (text === "" && truncated)
      ? "cut"
      : text === ""
        ? "empty"
        : fenced === undefined
          ? "plain"
          : "fenced";
  return { text, thinking: thinking.trim(), form };
}

function withoutThinking(answer: string): { said: string; thinking: string; open: boolean } {
  const last = [...answer.matchAll(FINAL_CHANNEL)].at(-1);
  if (!last && CHANNEL.test(answer)) return { said: "", thinking: answer, open: true };
  let said = last
    ? answer.slice(last.index + last[0].length).replace(/<\|(?:end|return)\|>[^]*$/, "")
    : answer;
  let thinking = last ? answer.slice(0, last.index) : "";
  for (const [open, close] of MARKS) {
    for (;;) {
      const begin = open.exec(said);
      const end = close.exec(said);
      if (!begin && !end) break;
      if (begin && !end) {
        // It never came to its answer; what stood before the thought is no answer either.
        return { said: "", thinking: thinking + said.slice(begin.index + begin[0].length), open: true };
      }
      // Some templates open the thought in the prompt: then only its end is in the answer.
      const from = begin && begin.index < end!.index ? begin.index : 0;
      const inner = from === 0 && !(begin && begin.index === 0) ? 0 : from + (begin?.[0].length ?? 0);
      thinking += said.slice(inner, end!.index);
      said = said.slice(0, from) + said.slice(end!.index + end![0].length);
    }
  }
  return { said, thinking, open: false };
}
