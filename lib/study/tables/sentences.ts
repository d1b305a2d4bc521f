/** Sentences about trained agents, written from their records: true whichever way the results come out. */
import { type Comparison, type Difference, learningComparisons } from "../comparisons.js";
import { expectedFamilies, type MainResult } from "../mainResults.js";
import { agentStyle, byOrder } from "../style/index.js";
import { latexId, latexText } from "./latexText.js";
import { intervalText, oneDecimal, pValue } from "./numbers.js";

/** Below this a difference is called one. */
const LEVEL = 0.05;

/** How a paragraph reads: one sentence for each trained family against its start, then the questions between families. */
export function learnedParagraphs(results: readonly MainResult[]): string {
  const families = byOrder(
    results.filter(({ agent }) => expectedFamilies.includes(agent)),
    ({ agent }) => agent,
  );
  const compared = learningComparisons(results);
  const rows = families.map(({ agent, summary, record, seeds }) => {
    const name = `\\emph{${latexText(agentStyle(agent).label)}}`;
    if (!summary || !record) return `${name} has no record yet, and nothing is said about it here.`;
    const own = compared.find(({ a, b }) => a === agent && b === "il");
    const much = `${name} scores ${oneDecimal(summary.score.value)} ${intervalText(summary.score)} and succeeds on ${oneDecimal(summary.successRate.value)}\\,\\% ${intervalText(summary.successRate)} of the goals over ${seeds.length} seeds`;
    return own
      ? `${much}. Against the imitation that it began from, ${verdict(own, "the score")}.`
      : `${much}.`;
  });
  const questions = compared
    .filter(({ a, b }) => b !== "il" && expectedFamilies.includes(a) && expectedFamilies.includes(b))
    .map(
      (one) =>
        `Compared with ${latexText(agentStyle(one.b).label)}, ${verdict(one, `the score of ${latexText(agentStyle(one.a).label)}`)}.`,
    );
  const records = families.flatMap(({ record }) => (record ? [latexId(record.id)] : []));
  return [
    "% Generated from run records by `aisle tables`.",
    rows.join("\n"),
    ...(questions.length > 0 ? ["", questions.join("\n")] : []),
    "",
    records.length > 0 ? `Run records: ${records.join(", ")}.` : "No training record has been evaluated yet.",
    "",
  ].join("\n");
}

/** A comparison in words: how far apart, in which direction, and whether chance would do as much. */
function verdict({ a, b, success, ...score }: Comparison, subject: string): string {
  return `${subject} is ${phrase(score, "points")} and the success rate ${phrase(success, "percentage points")}${standing(a, b, score, success)}`;
}

function phrase({ difference, adjusted }: Difference, unit: string): string {
  const size = oneDecimal(Math.abs(difference));
  const sure = `corrected $p ${pValue(adjusted).startsWith("<") ? pValue(adjusted) : `= ${pValue(adjusted)}`}$`;
  if (size === "0.0") return `the same (${sure})`;
  return `${size} ${unit} ${difference > 0 ? "higher" : "lower"} (${sure})`;
}

function standing(a: string, b: string, score: Difference, success: Difference): string {
  const sure = [score, success].filter(({ adjusted }) => adjusted < LEVEL);
  if (sure.length === 0) return ": differences that chance could make";
  const up = sure.every(({ difference }) => difference > 0);
  const down = sure.every(({ difference }) => difference < 0);
  const better = up ? a : down ? b : null;
  if (!better) return ": the two measures point in opposite directions";
  const name = latexText(agentStyle(better).label);
  return sure.length === 2
    ? `, both beyond chance in favour of ${name}`
    : `, of which one is beyond chance, in favour of ${name}`;
}

/** In one sentence, how many of the trained families beat the imitation that they began from, on both measures. */
export function learnedSummary(results: readonly MainResult[]): string {
  const compared = learningComparisons(results).filter(
    ({ a, b }) => b === "il" && expectedFamilies.includes(a),
  );
  if (compared.length === 0) return "No trained agent has been evaluated yet.";
  const beats = compared.filter(
    (one) =>
      one.difference > 0 &&
      one.adjusted < LEVEL &&
      one.success.difference > 0 &&
      one.success.adjusted < LEVEL,
  );
  const names = (all: readonly Comparison[]): string =>
    all.map(({ a }) => latexText(agentStyle(a).label)).join(", ");
  const others = compared.filter((one) => !beats.includes(one));
  const largest = [...compared].sort((x, y) => y.success.difference - x.success.difference)[0]!;
  return [
    beats.length === 0
      ? "None of the trained agents beats the imitation that it began from in both score and success rate beyond chance"
      : `${names(beats)} ${beats.length === 1 ? "beats" : "beat"} the imitation that ${beats.length === 1 ? "it" : "they"} began from in both score and success rate beyond chance`,
    others.length > 0 && beats.length > 0
      ? `, ${names(others)} ${others.length === 1 ? "does" : "do"} not`
      : "",
    `; the largest gain in success is ${oneDecimal(largest.success.difference)} percentage points, of ${latexText(agentStyle(largest.a).label)}.`,
  ].join("");
}
