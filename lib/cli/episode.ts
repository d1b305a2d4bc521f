import type { Trajectory } from "../agents/index.js";
import { InputError } from "../base/index.js";
import type { Catalogue, DiskCatalogue } from "../simulator/index.js";
import { addAgentOptions, type AgentFlags, chosenAgent } from "./agent-options.js";
import { integerOption, note, printJson } from "./common.js";
import { buildReporter } from "./data/report.js";
import { asJson, asText, type ShownEpisode } from "./episode/shown.js";
import { addPromptingOptions } from "./prompting.js";
import type { AddVerb } from "./verb.js";

interface EpisodeFlags extends Omit<AgentFlags, "agent"> {
  readonly agent?: string;
  readonly record?: string;
  readonly goal: number;
  readonly data?: string;
  readonly mode?: string;
  readonly seed?: number;
  readonly brief?: boolean;
  readonly json?: boolean;
}

const MODES = ["text", "text_rich", "html", "url"] as const;

/** `aisle episode`: one agent plays one goal, or one is shown that was recorded; every step is shown. */
export const addEpisode: AddVerb = (program) => {
  const command = program
    .command("episode")
    .description("play one episode, or show a recorded one again, step by step")
    .option("--agent <name>", "who plays: any agent that `aisle evaluate` knows")
    .option(
      "--record <id>",
      "show an episode of this run record: its id, how that begins, or its agent's name",
    )
    .requiredOption("--goal <n>", "which goal, from 0 (0–499 are the test goals)", integerOption("--goal"))
    .option(
      "--seed <s>",
      "of an agent's chance, and which checkpoint of a trained family (default: 0; of a record: its first)",
      integerOption("--seed"),
    );
  addAgentOptions(command)
    .option("--data <folder>", "the shop (default: the embedded one, made on first use)")
    .option("--mode <mode>", `what the shopper sees: ${MODES.join(", ")} (default: text)`)
    .option("--runs <folder>", "where records are looked for")
    .option("--brief", "without the prompts")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `
Examples:
  aisle episode --agent match --goal 3
  aisle episode --agent grpo --seed 1 --goal 3                     prompts, answers and how sure the model was
  aisle episode --agent prompted --base-url http://127.0.0.1:8000/v1 --model NAME --goal 3
  aisle episode --record grpo --goal 3 --seed 1                    as it was played for the record`,
    )
    .action(async (flags: EpisodeFlags) => {
      const { agent, record, json, brief } = flags;
      if ((agent === undefined) === (record === undefined)) {
        throw new InputError(
          "Say who plays (--agent), or which record holds the episode (--record): one of them.",
        );
      }
      const shown =
        record === undefined ? await played({ ...flags, agent: agent! }) : await recorded(flags, record);
      if (json) printJson(asJson(shown));
      else process.stdout.write(asText(shown, brief ?? false));
      if (shown.from?.sameShown === false) {
        note(
          "The prompts above are today's: what the agent was shown then differed (a template or page has changed since, or a prompt was shortened to fit its model).",
        );
      }
    });
  addPromptingOptions(command);
};

/** Plays an episode now. */
async function played(flags: EpisodeFlags & { readonly agent: string }): Promise<ShownEpisode> {
  const { goal, seed = 0, mode: wanted = "text" } = flags;
  const mode = MODES.find((one) => one === wanted);
  if (mode === undefined) throw new InputError(`--mode must be one of ${MODES.join(", ")}, not "${wanted}".`);
  const chosen = await chosenAgent(flags);
  const { openEnvironment } = await import("../simulator/index.js");
  const { stream } = await import("../base/index.js");
  return inShop(flags.data, async (catalogue) => {
    if (goal >= catalogue.goalCount) {
      const range = catalogue.goalCount === 0 ? "it has none" : `they are 0 to ${catalogue.goalCount - 1}`;
      throw new InputError(`There is no goal ${goal} in this shop: ${range}.`);
    }
    const agent = await (await chosen.open(catalogue))(seed, catalogue.fingerprint);
    // The same stream as an evaluation's, so that an episode seen here is the one that was counted there.
    const trajectory = await agent.play(
      openEnvironment(catalogue, { mode }),
      goal,
      stream(seed, "evaluate", goal),
    );
    return shownIn(trajectory, catalogue, seed, null);
  });
}

/** Options of playing alone. */
const PLAYING = ["model", "selectModel", "temperature", "history", "mode", "baseUrl", "onnx"] as const;

/** Shows an episode as it was recorded. */
async function recorded(flags: EpisodeFlags, id: string): Promise<ShownEpisode> {
  const extra = PLAYING.find((name) => flags[name] !== undefined);
  if (extra !== undefined) {
    const option = extra.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new InputError(`--${option} is about playing; an episode of a record is shown as it was played.`);
  }
  const { recordNamed, replay } = await import("../records/index.js");
  const record = recordNamed(id, flags.runs);
  const { seeds, agent } = record.identity;
  const [seed, goal] = [flags.seed ?? seeds[0]!, flags.goal];
  return inShop(flags.data, async (catalogue) => {
    const exemplars = await exemplarsOf(agent.settings, catalogue);
    const { trajectory, sameShown } = replay(record, { goal, seed, catalogue, exemplars });
    return shownIn(trajectory, catalogue, seed, { record: record.path, sameShown });
  });
}

/** The worked examples that an agent's prompts had, made again. */
async function exemplarsOf(
  settings: Readonly<Record<string, unknown>>,
  catalogue: Catalogue & { readonly fingerprint: string },
): Promise<import("../agents/index.js").Exemplars | undefined> {
  const { trainGoals } = (settings["exemplars"] ?? {}) as { readonly trainGoals?: unknown };
  if (!Array.isArray(trainGoals) || trainGoals.length === 0) return undefined;
  const { workedExamples } = await import("../imitation/index.js");
  const { formOf } = await import("../agents/index.js");
  return workedExamples(catalogue, trainGoals.length, formOf(settings));
}

function shownIn(
  trajectory: Trajectory,
  catalogue: Catalogue,
  seed: number,
  from: ShownEpisode["from"],
): ShownEpisode {
  return { trajectory, goal: catalogue.goal(trajectory.goal), seed, from };
}

/** Does something in a shop and closes it. */
async function inShop<T>(
  folder: string | undefined,
  work: (catalogue: DiskCatalogue) => Promise<T>,
): Promise<T> {
  const { defaultCatalogue } = await import("../simulator/index.js");
  const report = buildReporter();
  const catalogue = await defaultCatalogue(folder, { progress: report.building, checking: report.checking });
  report.end();
  try {
    return await work(catalogue);
  } finally {
    catalogue.close();
  }
}
