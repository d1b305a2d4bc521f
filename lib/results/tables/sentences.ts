/** Sentences about trained agents, written from their records: true whichever way the results come out. */
import { type Comparison, learningComparisons } from "../comparisons.js";
import { agentStyle, byOrder } from "../ladder.js";
import type { MainResult } from "../main-results.js";
import { latexText } from "./latex-text.js";
import { oneDecimal } from "./numbers.js";

/** Below this a difference is called one. */
const LEVEL = 0.05;

/** How a comparison came out, most certain first: each is a sentence of its own. */
const OUTCOMES = ["better", "partly better", "even", "mixed", "partly worse", "worse"] as const;
type Outcome = (typeof OUTCOMES)[number];

/** Paragraphs that say how the trained families compare with what they began from and with each other, and which have no record. */
export function learnedParagraphs(results: readonly MainResult[]): string {
  const trained = trainedIn(results);
  const compared = learningComparisons(results);
  const start = compared.filter(isAgainstStart(results));
  const questions = compared.filter((one) => !start.includes(one));
  const missing = trained.filter(({ record }) => !record).map(({ agent }) => nameOf(agent));
  const paragraphs = [
    comparisonSentences(start, ({ a }) => nameOf(a), {
      better:
        "Better than the imitation that it began from, beyond chance in both score and success rate, is",
      "partly better": "Better in one of the two beyond chance, and open in the other, is",
      even: "By no more than chance could make differs",
      mixed: "Better in one of the two and worse in the other, both beyond chance, is",
      "partly worse": "Worse in one of the two beyond chance, and open in the other, is",
      worse: "Worse beyond chance in both score and success rate is",
    }),
    comparisonSentences(questions, ({ a, b }) => `${nameOf(a)} against ${nameOf(b)}`, {
      better: "Of the trained agents compared with each other, ahead beyond chance in both measures is",
      "partly better": "Ahead in one measure beyond chance, and open in the other, is",
      even: "Differences between trained agents that chance could make:",
      mixed: "Ahead in one measure and behind in the other, both beyond chance, is",
      "partly worse": "Behind in one measure beyond chance, and open in the other, is",
      worse: "Behind beyond chance in both measures is",
    }),
    missing.length > 0
      ? `Of ${listed(missing)} there is no record yet, and nothing is said about ${missing.length === 1 ? "it" : "them"} here.`
      : "",
  ].filter((paragraph) => paragraph !== "");
  return ["% Generated from run records by `aisle tables`.", paragraphs.join("\n\n"), ""].join("\n");
}

/** In one sentence, how many of the trained families beat the imitation that they began from, on both measures. */
export function learnedSummary(results: readonly MainResult[]): string {
  const compared = learningComparisons(results).filter(isAgainstStart(results));
  if (compared.length === 0) return "No trained agent has been evaluated yet.";
  const beats = compared.filter((one) => outcomeOf(one) === "better");
  const others = compared.filter((one) => !beats.includes(one));
  const everyone = beats.length === compared.length && beats.length > 2;
  const names = (all: readonly Comparison[]): string => listed(all.map(({ a }) => nameOf(a)));
  const largest = [...compared].sort((x, y) => y.success.difference - x.success.difference)[0]!;
  return [
    beats.length === 0
      ? "None of the trained agents beats the imitation that it began from in both score and success rate beyond chance"
      : `${everyone ? `All ${beats.length} trained agents` : names(beats)} ${beats.length === 1 ? "beats" : "beat"} the imitation that ${beats.length === 1 ? "it" : "they"} began from in both score and success rate beyond chance`,
    others.length > 0 && beats.length > 0
      ? `, ${names(others)} ${others.length === 1 ? "does" : "do"} not`
      : "",
    largest.success.difference > 0
      ? `; the largest gain in success is ${oneDecimal(largest.success.difference)} percentage points, of ${nameOf(largest.a)}.`
      : "; none gains in success.",
  ].join("");
}

/** Whether a trained agent comes up to match, which learned nothing: by the means alone, without a test. */
export function matchSentence(results: readonly MainResult[]): string {
  const match = results.find(({ agent }) => agent === "match")?.summary;
  const trained = trainedIn(results).filter(({ summary }) => summary);
  if (!match || trained.length === 0) return "";
  const above = trained.filter(({ summary }) => summary!.score.value > match.score.value);
  const names = listed(above.map(({ agent }) => nameOf(agent)));
  const standard = `match, which learned nothing and scores ${oneDecimal(match.score.value)} with ${oneDecimal(match.successRate.value)}\\,\\% success`;
  return above.length === 0
    ? `None of the trained agents has a higher mean score than ${standard}.`
    : `${names} ${above.length === 1 ? "has" : "have"} a higher mean score than ${standard}.`;
}

/** Tells whether a comparison is of a trained agent with what it began from. */
function isAgainstStart(results: readonly MainResult[]): (one: Comparison) => boolean {
  const starts = new Map(results.map(({ agent, start }) => [agent, start]));
  return ({ a, b }) => b === starts.get(a);
}

/** The trained agents of the main table, in the ladder's order. */
function trainedIn(results: readonly MainResult[]): MainResult[] {
  return byOrder(
    results.filter(({ start }) => start !== null),
    ({ agent }) => agent,
  );
}

/** One sentence for each outcome that there is: its beginning, then who, by how much, and how surely. */
export function comparisonSentences(
  compared: readonly Comparison[],
  who: (one: Comparison) => string,
  beginnings: Readonly<Record<Outcome, string>>,
): string {
  return OUTCOMES.flatMap((outcome) => {
    const own = compared.filter((one) => outcomeOf(one) === outcome);
    if (own.length === 0) return [];
    const plural = own.length > 1;
    const beginning = plural
      ? beginnings[outcome]
          .replace(/ is$/, " are")
          .replace(/differs$/, "differ")
          .replace("it began", "they began")
      : beginnings[outcome];
    return [`${beginning} ${listed(own.map((one) => `${who(one)} (${amounts(one)})`))}.`];
  }).join(" ");
}

/** Differences in score and in success rate, in LaTeX: "+4.5, +4.3". The table of comparisons has the rest. */
function amounts({ success, difference }: Comparison): string {
  return [difference, success.difference]
    .map((value) => {
      const size = oneDecimal(Math.abs(value));
      return `$${size === "0.0" ? "" : value > 0 ? "+" : "-"}${size}$`;
    })
    .join(", ");
}

function outcomeOf({ success, ...score }: Comparison): Outcome {
  const signs = [score, success].map(({ difference, adjusted }) =>
    adjusted < LEVEL ? Math.sign(difference) : 0,
  );
  const [up, down] = [1, -1].map((sign) => signs.filter((one) => one === sign).length);
  if (up === 2) return "better";
  if (down === 2) return "worse";
  if (up === 1 && down === 1) return "mixed";
  return up === 1 ? "partly better" : down === 1 ? "partly worse" : "even";
}

const nameOf = (agent: string): string => latexText(agentStyle(agent).label.replace(/, (.*)$/, " ($1)"));

/** "a", "a and b", "a, b and c". */
function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)!}`;
}
