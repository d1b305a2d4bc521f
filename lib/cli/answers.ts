/** Remarks on the answers of a prompted agent: those that were no plain ones. */
import { plainAnswer } from "../agents/index.js";
import { episodesOf, type RunRecord } from "../records/index.js";

/** How many answers of a record were how; episodes that ended without one are under the reason. */
export interface AnswerCounts {
  readonly answers: number;
  /** Thought before they answered. */
  readonly thinking: number;
  /** Stood in a code fence, which was taken off. */
  readonly fenced: number;
  readonly empty: number;
  /** Ended inside their thinking, or before anything was said. */
  readonly cut: number;
  /** Reached the limit of their length after something was said. */
  readonly truncated: number;
  readonly failed: Readonly<Record<string, number>>;
}

export function answerCounts(record: RunRecord): AnswerCounts {
  const counts = { answers: 0, thinking: 0, fenced: 0, empty: 0, cut: 0, truncated: 0 };
  const failed: Record<string, number> = {};
  for (const { decisions } of episodesOf(record)) {
    for (const { answer, truncated, failed: reason } of decisions ?? []) {
      counts.answers++;
      if (reason !== undefined) {
        failed[reason] = (failed[reason] ?? 0) + 1;
        continue;
      }
      const { form, thinking } = plainAnswer(answer, truncated);
      if (thinking !== "" && form !== "cut") counts.thinking++;
      if (form !== "plain") counts[form]++;
      else if (truncated) counts.truncated++;
    }
  }
  return { ...counts, failed };
}

/** The same in sentences; none where all is as it was asked for. */
export function answerNotes({
  answers,
  thinking,
  fenced,
  empty,
  cut,
  truncated,
  failed,
}: AnswerCounts): string[] {
  const of = (count: number, what: string): string[] =>
    count > 0 ? [`${count} of ${answers} answers ${what}`] : [];
  return [
    ...of(thinking, "came after thinking, which was left out."),
    ...of(fenced, "stood in a code fence, which was taken off."),
    ...of(empty, "were empty: no query, or the first result."),
    ...of(cut, "were cut off before they said anything: allow more --max-tokens, or switch thinking off."),
    ...of(truncated, "reached the limit of their length (--max-tokens)."),
    ...Object.entries(failed).map(
      ([reason, count]) =>
        `${count === 1 ? "1 episode" : `${count} episodes`} ended without an answer and with reward 0: ${reason.replace(/[.\s]+$/, "")}.`,
    ),
  ];
}
