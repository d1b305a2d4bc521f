/** An episode as `aisle episode` prints it: for people and as JSON. */
import type { AnswerToken, Decision, Trajectory } from "../../agents/index.js";
import type { Goal } from "../../simulator/index.js";

/** The printed form. */
export interface ShownEpisode {
  readonly trajectory: Trajectory;
  readonly goal: Goal;
  readonly seed: number;
  /** Where it was recorded, and whether what its agent was shown is the same now; null when it was played just now. */
  readonly from: { readonly record: string; readonly sameShown: boolean } | null;
}

/** For other programs. */
export function asJson({ trajectory, goal, seed, from }: ShownEpisode): unknown {
  const { agent, steps, decisions, reward, parts, usage } = trajectory;
  return {
    agent,
    seed,
    ...(from ? { record: from.record, same_shown: from.sameShown } : {}),
    goal,
    steps: steps.map(({ observation, action, valid, reward: earned }) => ({
      observation,
      action,
      valid,
      reward: earned,
    })),
    ...(decisions
      ? {
          decisions: decisions.map((decision) => ({
            task: decision.task,
            step: decision.step,
            prompt: decision.prompt,
            answer: decision.answer,
            prompt_tokens: decision.promptTokens ?? null,
            completion_tokens: decision.completionTokens ?? null,
            tokens: decision.tokens ?? null,
            format_valid: decision.formatValid,
            admissible: decision.admissible,
            repaired: decision.repaired,
            truncated: decision.truncated,
          })),
        }
      : {}),
    ...(usage
      ? {
          usage: {
            requests: usage.requests,
            prompt_tokens: usage.promptTokens,
            completion_tokens: usage.completionTokens,
          },
        }
      : {}),
    reward,
    parts,
  };
}

/**
 * For people: what was asked, seen, answered and done, and the purchase's reward and its parts.
 * @param brief pages shortened instead of prompts
 */
export function asText({ trajectory, goal, seed, from }: ShownEpisode, brief: boolean): string {
  const { agent, steps, decisions = [] } = trajectory;
  const lines = [
    from
      ? `${agent} played goal ${goal.index} with seed ${seed} (${from.record})`
      : `${agent} plays goal ${goal.index} with seed ${seed}`,
    "",
    `  “${plain(goal.instruction)}”`,
    "",
  ];
  const numberOf = (i: number): string => `${i + 1}.`.padEnd(3);
  for (let i = 0; i <= steps.length; i++) {
    const asked = decisions.filter(({ step }) => step === i);
    const step = steps[i];
    const open = brief || asked.length === 0;
    if (step && open) lines.push(`${numberOf(i)}sees  ${shortened(step.observation)}`);
    asked.forEach((decision, d) =>
      lines.push(...decisionLines(decision, open || d > 0 ? "   " : numberOf(i), brief)),
    );
    if (step) {
      const byRule = decisions.length > 0 && asked.length === 0 ? "   (by rule)" : "";
      const failed = step.valid ? "" : "   (not possible: nothing happens)";
      lines.push(`   does  ${plain(step.action)}${byRule}${failed}`, "");
    } else if (asked.length > 0) lines.push("   does  nothing: there is nothing to search for", "");
  }
  lines.push(...meaning(goal), "", ...rewardLines(trajectory));
  return `${lines.join("\n")}\n`;
}

const ASKED = { query: "a query", select: "a choice", option: "an option", act: "an action" } as const;

function decisionLines(decision: Decision, number: string, brief: boolean): string[] {
  const { task, prompt, answer, promptTokens, completionTokens, tokens } = decision;
  const count = (n: number | undefined): string =>
    n === undefined ? "" : `  (${n} ${n === 1 ? "token" : "tokens"})`;
  const lines = brief ? [] : [`${number}asked for ${ASKED[task]}${count(promptTokens)}`];
  if (!brief) {
    for (const { role, content } of prompt) {
      lines.push(`      [${role}]`, ...content.split("\n").map((line) => `      ${plain(line)}`));
    }
  }
  lines.push(
    `   says  ${answer === "" ? "(nothing)" : plain(answer)}${count(completionTokens)}${flags(decision)}`,
  );
  if (tokens) lines.push(`   sure  ${tokens.map(tokenText).join("  ")}`);
  return lines;
}

const FORM_MISSED = {
  query: "not in the form asked for",
  select: "no number of the list: the first is taken",
  option: "no number of a value: none is clicked",
  act: "not in the form asked for",
} as const;

function flags({ task, formatValid, admissible, repaired, truncated }: Decision): string {
  const said = [
    ...(truncated ? ["cut off"] : []),
    ...(formatValid ? [] : [FORM_MISSED[task]]),
    ...(admissible || task === "select" || task === "option" ? [] : ["not on the page"]),
    ...(repaired ? ["taken as the most similar there"] : []),
  ];
  return said.length > 0 ? `   (${said.join("; ")})` : "";
}

function tokenText({ text, probability }: AnswerToken): string {
  return `${plain(text).trim() || "␣"} ${probability.toFixed(2)}`;
}

function meaning(goal: Goal): string[] {
  const options = goal.options.map((option) => (typeof option === "string" ? option : option.join(": ")));
  return [
    "What was meant",
    `  product     ${plain(goal.name)} (${goal.asin})`,
    `  attributes  ${goal.attributes.join(", ")}`,
    `  options     ${options.length === 0 ? "any" : options.join(", ")}`,
    `  price       ${goal.priceUpper >= 1_000_000 ? "any" : `up to $${goal.priceUpper.toFixed(2)}`}`,
  ];
}

function rewardLines({ steps, reward, parts }: Trajectory): string[] {
  if (parts === null) {
    return [`Nothing was bought in ${steps.length} ${steps.length === 1 ? "step" : "steps"}: reward 0`];
  }
  const percent = (fraction: number): string => `${Math.round(100 * fraction)} %`;
  return [
    `Reward ${reward.toFixed(3)}`,
    `  type        ${parts.rType}`,
    `  attributes  ${percent(parts.rAtt)} (weight ${parts.wAtt.toFixed(2)})`,
    parts.rOption === null
      ? "  options     none asked for"
      : `  options     ${percent(parts.rOption)} (weight ${parts.wOption!.toFixed(2)})`,
    `  price       ${parts.rPrice === 1 ? "fits" : "too high"} (weight ${parts.wPrice.toFixed(2)})`,
  ];
}

/** Without what a terminal would obey. */
function plain(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ");
}

/** A page on a few lines of the terminal. */
function shortened(observation: string): string {
  const MOST = 420;
  const text = plain(observation).trim();
  const cut = text.length > MOST ? `${text.slice(0, MOST)} … (${text.length} characters)` : text;
  return cut.replaceAll(" [SEP] ", " · ");
}
