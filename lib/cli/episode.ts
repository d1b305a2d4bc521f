import { InputError } from "../base/index.js";
import type { Trajectory } from "../agents/index.js";
import type { Goal } from "../simulator/index.js";
import { integerOption, printJson } from "./common.js";
import { buildReporter } from "./data/report.js";
import type { AddVerb } from "./verb.js";

interface EpisodeOptions {
  readonly agent: string;
  readonly goal: number;
  readonly data?: string;
  readonly mode: string;
  readonly seed: number;
  readonly json?: boolean;
}

const MODES = ["text", "text_rich", "html", "url"] as const;

/** `aisle episode`: one agent plays one goal, and every step is shown. */
export const addEpisode: AddVerb = (program) => {
  program
    .command("episode")
    .description("play one episode and show it step by step")
    .requiredOption("--agent <name>", "who plays: rule, random, match, oracle, …")
    .requiredOption("--goal <n>", "which goal, from 0 (0–499 are the test goals)", integerOption("--goal"))
    .option("--data <folder>", "the shop (default: the embedded one, made on first use)")
    .option("--mode <mode>", `what the shopper sees: ${MODES.join(", ")}`, "text")
    .option("--seed <s>", "of an agent that draws lots", integerOption("--seed"), 0)
    .option("--json", "print one JSON object")
    .action(async (options: EpisodeOptions) => {
      const mode = MODES.find((one) => one === options.mode);
      if (mode === undefined) {
        throw new InputError(`--mode must be one of ${MODES.join(", ")}, not "${options.mode}".`);
      }
      const { agentNamed } = await import("../agents/index.js");
      const agent = await agentNamed(options.agent);
      const { defaultCatalogue } = await import("../simulator/index.js");
      const { openEnvironment } = await import("../simulator/index.js");
      const { stream } = await import("../base/index.js");
      const report = buildReporter();
      const catalogue = await defaultCatalogue(options.data, { progress: report.building });
      report.end();
      try {
        if (options.goal >= catalogue.goalCount) {
          const range =
            catalogue.goalCount === 0 ? "it has none" : `they are 0 to ${catalogue.goalCount - 1}`;
          throw new InputError(`There is no goal ${options.goal} in this shop: ${range}.`);
        }
        const environment = openEnvironment(catalogue, { mode });
        // The same stream as an evaluation's, so that an episode seen here is the one that was counted there.
        const random = stream(options.seed, "evaluate", options.goal);
        const trajectory = await agent.play(environment, options.goal, random);
        const goal = catalogue.goal(options.goal);
        if (options.json) printJson(asJson(trajectory, goal));
        else process.stdout.write(asText(trajectory, goal));
      } finally {
        catalogue.close();
      }
    });
};

function asJson({ steps, reward, parts }: Trajectory, goal: Goal): unknown {
  return {
    goal,
    steps: steps.map((step) => ({ observation: step.observation, action: step.action, reward: step.reward })),
    reward,
    parts,
  };
}

/** The episode for people: what was asked, what was seen and done, and what the purchase was worth and why. */
function asText({ agent, steps, reward, parts }: Trajectory, goal: Goal): string {
  const lines = [`${agent} plays goal ${goal.index}`, "", `  “${goal.instruction}”`, ""];
  steps.forEach(({ observation, action, valid }, i) => {
    lines.push(`${i + 1}. sees  ${shortened(observation)}`);
    lines.push(`   does  ${action}${valid ? "" : "   (not possible: nothing happens)"}`, "");
  });
  const options = goal.options.map((option) => (typeof option === "string" ? option : option.join(": ")));
  lines.push(
    "What was meant",
    `  product     ${goal.name} (${goal.asin})`,
    `  attributes  ${goal.attributes.join(", ")}`,
    `  options     ${options.length === 0 ? "any" : options.join(", ")}`,
    `  price       ${goal.priceUpper >= 1_000_000 ? "any" : `up to $${goal.priceUpper.toFixed(2)}`}`,
    "",
  );
  if (parts === null) {
    lines.push(`Nothing was bought in ${steps.length} steps: reward 0`);
  } else {
    const percent = (share: number): string => `${Math.round(100 * share)} %`;
    lines.push(
      `Reward ${reward.toFixed(3)}`,
      `  type        ${parts.rType}`,
      `  attributes  ${percent(parts.rAtt)} (weight ${parts.wAtt.toFixed(2)})`,
      parts.rOption === null
        ? "  options     none asked for"
        : `  options     ${percent(parts.rOption)} (weight ${parts.wOption!.toFixed(2)})`,
      `  price       ${parts.rPrice === 1 ? "fits" : "too high"} (weight ${parts.wPrice.toFixed(2)})`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** A page on a few lines of the terminal, without what a terminal would obey. */
function shortened(observation: string): string {
  const MOST = 420;
  const text = observation.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").trim();
  const cut = text.length > MOST ? `${text.slice(0, MOST)} … (${text.length} characters)` : text;
  return cut.replaceAll(" [SEP] ", " · ");
}
