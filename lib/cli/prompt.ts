import { Argument } from "commander";
import { InputError } from "../base/index.js";
import type { Message, QueryQuestion } from "../agents/index.js";
import type { Environment } from "../simulator/index.js";
import { integerOption, note, printJson } from "./common.js";
import { buildReporter } from "./data/report.js";
import type { AddVerb } from "./verb.js";

const TASKS = ["query", "select", "act"] as const;
type Task = (typeof TASKS)[number];

interface PromptFlags {
  readonly goal: number;
  readonly query?: string;
  readonly after?: readonly string[];
  readonly react?: boolean;
  readonly model?: string;
  readonly data?: string;
  readonly json?: boolean;
}

/** `aisle prompt`: a prompt as a model gets it, to the byte. */
export const addPrompt: AddVerb = (program) => {
  program
    .command("prompt")
    .description("print the exact prompt of a decision, for a real goal")
    .addArgument(new Argument("<task>", "which decision").choices(TASKS))
    .option("--goal <n>", "which goal, from 0 (0–499 are the test goals)", integerOption("--goal"), 0)
    .option("--query <text>", "of select: the query whose results are listed (default: the instruction)")
    .option("--after <action...>", 'of act: actions taken before, such as "search[red mug]"')
    .option("--react", "of act: as verl-agent asks, with a thought and the pages seen before")
    .option("--model <model>", "a folder or a pulled model: the text that its chat template makes of it")
    .option("--data <folder>", "the shop (default: the embedded one, made on first use)")
    .option("--json", "print one JSON object: version, messages, and with --model text and tokens")
    .action(async (task: Task, flags: PromptFlags) => {
      checkFlags(task, flags);
      const agents = await import("../agents/index.js");
      const template = flags.model === undefined ? undefined : await chatOf(flags.model);
      const { defaultCatalogue } = await import("../simulator/index.js");
      const { openEnvironment } = await import("../simulator/index.js");
      const report = buildReporter();
      const catalogue = await defaultCatalogue(flags.data, { progress: report.building });
      report.end();
      try {
        const messages = promptOf(agents, openEnvironment(catalogue), task, flags);
        const version = task === "act" ? agents.MULTI_TURN_PROMPT_VERSION : agents.PROMPT_VERSION;
        const chat = template?.(messages);
        if (flags.json) {
          printJson({ task, goal: flags.goal, version, messages, ...chat });
          return;
        }
        if (chat) note(`${chat.tokens} tokens`);
        process.stdout.write(chat ? chat.text : asText(messages));
      } finally {
        catalogue.close();
      }
    });
};

/** An option that another decision has would be ignored in silence. */
function checkFlags(task: Task, flags: PromptFlags): void {
  const owners: readonly [keyof PromptFlags, Task][] = [
    ["query", "select"],
    ["after", "act"],
    ["react", "act"],
  ];
  for (const [name, owner] of owners) {
    if (flags[name] !== undefined && task !== owner) {
      throw new InputError(`--${name} belongs to "aisle prompt ${owner}", not to ${task}.`);
    }
  }
}

function promptOf(
  agents: typeof import("../agents/index.js"),
  environment: Environment,
  task: Task,
  { goal, query, after = [], react }: PromptFlags,
): readonly Message[] {
  if (task === "act") {
    const form = react ? agents.VERL_AGENT_FORM : agents.PLAIN_FORM;
    const play = new agents.MultiTurnPlay(environment, goal, { form });
    for (const action of after) {
      const possible = agents.admissibleActions(environment, play.state).join(", ");
      if (!play.take(action).valid)
        throw new InputError(`The action ${action} is not possible there; these are: ${possible}.`);
    }
    const question = play.ask();
    if (!question)
      throw new InputError("The product is bought after these actions: nothing is asked any more.");
    return question.prompt;
  }
  const play = new agents.TwoDecisionPlay(environment, goal);
  const first = play.ask() as QueryQuestion;
  if (task === "query") return first.prompt;
  const typed = query ?? agents.withoutPrice(first.instruction);
  play.answer({ text: typed });
  const choice = play.ask();
  if (!choice) throw new InputError(`The query "${typed}" finds nothing: try other words.`);
  return choice.prompt;
}

/** Messages by a model's chat template. */
async function chatOf(
  model: string,
): Promise<(messages: readonly Message[]) => { text: string; tokens: number }> {
  const { loadTokenizer, tokenizerFolder } = await import("../model/files/index.js");
  const tokenizer = await loadTokenizer(tokenizerFolder(model));
  return (messages) => {
    const text = tokenizer.chatText(messages);
    return { text, tokens: tokenizer.encode(text).length };
  };
}

/** For people: each message under its role. */
function asText(messages: readonly Message[]): string {
  return messages.map(({ role, content }) => `[${role}]\n${content}\n`).join("\n");
}
