import { Option } from "commander";
import { InputError } from "../base/index.js";
import type { SplitName } from "../simulator/index.js";
import type { Cost, Evaluation } from "../runs/index.js";
import type { Estimate } from "../stats/index.js";
import { addAgentOptions, type AgentFlags, chosenAgent } from "./agent-options.js";
import { integerOption, note, printJson } from "./common.js";
import { buildReporter } from "./data/report.js";
import { addPromptingOptions } from "./prompting.js";
import { countReporter } from "./study/report.js";
import type { AddVerb } from "./verb.js";

interface EvaluateFlags extends AgentFlags {
  readonly split: SplitName;
  readonly data?: string;
  readonly seeds: readonly number[];
  readonly limit?: number;
  readonly force?: boolean;
  readonly verify?: boolean;
  readonly keep?: boolean;
  readonly json?: boolean;
}

/** `aisle evaluate`: plays an agent on the goals of a split and keeps a run record. */
export const addEvaluate: AddVerb = (program) => {
  const command = program
    .command("evaluate")
    .description("play an agent on the goals of a split, report score and success rate, keep a run record")
    .option(
      "--agent <name>",
      "who plays: rule, affordable, page-reader, match, oracle, prompted, il …, a trained family such as grpo, or policy",
    );
  addAgentOptions(command)
    .option("--name <name>", "of policy: what its record is called", nameOption)
    .addOption(new Option("--split <name>", "which goals").choices(["test", "dev", "train"]).default("test"))
    .option("--data <folder>", "the shop (default: the embedded one, made on first use)")
    .option("--seeds <list>", "seeds separated by commas", seedsOption, [0])
    .option("--limit <n>", "only the first n goals of the split", integerOption("--limit", 1))
    .option("--runs <folder>", "where run records live (default: runs, read together with data/runs)")
    .option("--keep", "make the record part of the committed evidence in data/runs")
    .option("--force", "play again even where a record matches")
    .option("--verify", "read and check every file of a large shop, also those that were right before")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nA trained family's seed s is its checkpoint that was trained with seed s (`aisle record` makes one of a run).\n" +
        "Score is the mean reward and success a reward of exactly 1, both in per cent with 95 % bootstrap intervals.\n" +
        "The record goes to runs (yours, ignored by git; --keep: to data/runs); the same agent, data, goals and seeds\n" +
        "are read from either the next time." +
        "\n\nExamples:\n  aisle evaluate --agent rule\n  aisle evaluate --agent grpo --seeds 0,1,2" +
        "\n  aisle evaluate --agent mine --plugin ./mine.ts --split dev --limit 50",
    )
    .action(async (flags: EvaluateFlags) => {
      // Not by the parser, which would miss the agent before it sees that --agnt was meant to name it.
      if ((flags.agent as string | undefined) === undefined) {
        throw new InputError("Say who plays, e.g. --agent rule (--help lists the agents).");
      }
      const chosen = await chosenAgent(flags);
      const { defaultCatalogue, openEnvironment, splitRanges } = await import("../simulator/index.js");
      const { evaluate } = await import("../runs/index.js");
      const { withInterrupts } = await import("./interrupts.js");
      const building = buildReporter();
      const catalogue = await defaultCatalogue(flags.data, {
        progress: building.building,
        checking: building.checking,
        verify: flags.verify === true,
      });
      building.end();
      const { start, end } = splitRanges(catalogue.goalCount)[flags.split];
      const count = Math.min(end - start, flags.limit ?? Infinity);
      const playing = countReporter(`${flags.agent} on ${flags.split} goals`, count * flags.seeds.length);
      let result: Evaluation;
      try {
        const agent = await chosen.open(catalogue);
        result = await withInterrupts((signal) => {
          const waiting = (): void => note("Ending the episodes in flight (Ctrl-C again drops them).");
          if (chosen.prompting) signal.addEventListener("abort", waiting);
          return evaluate({
            agent,
            environment: openEnvironment(catalogue),
            split: flags.split,
            goals: { first: start, count },
            seeds: flags.seeds,
            force: flags.force ?? false,
            ...(flags.runs === undefined ? {} : { runs: flags.runs }),
            ...(flags.price === undefined ? {} : { price: flags.price }),
            onEpisode: playing.count,
            signal,
          });
        });
      } finally {
        playing.end();
        catalogue.close();
      }
      note(outcomes[result.outcome](result.record.path));
      if (flags.keep) result = { ...result, record: await kept(result.record) };
      const { answerCounts, answerNotes } = await import("./answers.js");
      const answers = flags.agent === "prompted" ? answerCounts(result.record) : null;
      const notes = answers ? answerNotes(answers) : [];
      for (const sentence of notes) note(sentence);
      if (flags.json) printJson({ ...asJson(result), ...(notes.length > 0 ? { answers } : {}) });
      else process.stdout.write(asText(result, flags.split));
    });
  addPromptingOptions(command);
};

const outcomes: Readonly<Record<Evaluation["outcome"], (path: string) => string>> = {
  read: (path) => `Read from the run record ${path} (--force plays again).`,
  new: (path) => `Kept as the run record ${path}.`,
  same: (path) => `Same as the run record ${path}.`,
  changed: (path) => `The run record ${path} said something else: it was replaced.`,
};

/** The record as committed evidence. */
async function kept(record: Evaluation["record"]): Promise<Evaluation["record"]> {
  const { keepAsEvidence, readRecord } = await import("../records/index.js");
  const path = keepAsEvidence(record.path);
  if (path !== record.path) note(`Moved to ${path}: commit it.`);
  return readRecord(path);
}

/** The summary for other programs: per cents for score and success rate, means in [0, 1] for the parts. */
function asJson({ agent, summary, record, cost }: Evaluation): object {
  const { score, successRate, parts, goals } = summary;
  return {
    agent,
    goals,
    score: rounded(score.value),
    score_ci: [rounded(score.lo), rounded(score.hi)],
    success_rate: rounded(successRate.value),
    success_rate_ci: [rounded(successRate.lo), rounded(successRate.hi)],
    parts: {
      r_type: rounded(parts.rType.value),
      r_att: rounded(parts.rAtt.value),
      r_option: Number.isNaN(parts.rOption.value) ? null : rounded(parts.rOption.value),
      r_price: rounded(parts.rPrice.value),
    },
    ...(cost === null
      ? {}
      : {
          usage: {
            requests: cost.requests,
            prompt_tokens: cost.promptTokens,
            completion_tokens: cost.completionTokens,
            dollars: cost.dollars,
          },
        }),
    record: record.path,
  };
}

/** Without the last digits, which are noise of the summation. */
function rounded(x: number): number {
  return Number(x.toFixed(9));
}

function asText({ agent, summary, record, cost }: Evaluation, split: SplitName): string {
  const { score, successRate, parts } = summary;
  const line = (name: string, { value, lo, hi }: Estimate, digits: number, unit = ""): string =>
    Number.isNaN(value)
      ? `${name}  –`
      : `${name}  ${value.toFixed(digits)}${unit}  [${lo.toFixed(digits)}, ${hi.toFixed(digits)}]`;
  const seeds = summary.seeds.length === 1 ? "" : `, seeds ${summary.seeds.join(", ")}`;
  return [
    `${agent} on ${summary.goals} ${split} goals${seeds}, 95 % intervals`,
    line("score      ", score, 1),
    line("success    ", successRate, 1, " %"),
    line("type       ", parts.rType, 3),
    line("attributes ", parts.rAtt, 3),
    line("options    ", parts.rOption, 3),
    line("price      ", parts.rPrice, 3),
    `steps        ${summary.steps.toFixed(1)}`,
    ...(cost === null ? [] : [`tokens       ${costText(cost)}`]),
    `record       ${record.path}`,
    "",
  ].join("\n");
}

function costText({ requests, promptTokens, completionTokens, dollars }: Cost): string {
  const count = (value: number): string => value.toLocaleString("en-US");
  const money = dollars === null ? "" : `: $${dollars.toFixed(dollars < 1 ? 4 : 2)}`;
  return `${count(promptTokens)} + ${count(completionTokens)} in ${count(requests)} answers${money}`;
}

function nameOption(text: string): string {
  if (/^[a-z0-9][a-z0-9_.:-]*$/.test(text)) return text;
  throw new InputError(
    `--name takes lower-case letters, digits and - _ . : such as two-models, not "${text}".`,
  );
}

/** Parses `0,1,2`. */
function seedsOption(text: string): number[] {
  const parts = text.split(",").map((part) => part.trim());
  const seeds = parts.map((part) => (/^\d+$/.test(part) ? Number(part) : NaN));
  if (!seeds.every(Number.isSafeInteger)) {
    throw new InputError(`--seeds must be whole numbers separated by commas, such as 0,1,2, not "${text}".`);
  }
  if (new Set(seeds).size !== seeds.length) throw new InputError(`--seeds names a seed twice: "${text}".`);
  return seeds;
}
