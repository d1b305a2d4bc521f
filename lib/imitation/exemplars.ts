/** Worked examples for prompting, from train goals only. */
import {
  PLAIN_FORM,
  type MultiTurnForm,
  type Exemplars,
  type Message,
  OracleAgent,
} from "../agents/index.js";
import { InputError } from "../base/index.js";
import { type Catalogue, openEnvironment } from "../simulator/index.js";
import {
  multiTurnDemonstrationsOf,
  type Demonstration,
  twoDecisionDemonstrations,
} from "./demonstrations/index.js";

/** Says which train goals are tried first: part of what "k examples" means. */
const SEED = 0;

/**
 * The choice oracle's answers for `count` train goals that it satisfies wholly, which name an option and whose product is not the
 * first result (examples that all answer "1" would teach just that): a query, a selection among its results, and every
 * action of an episode. Where the form of `act` asks for thoughts the examples have them, written by rule.
 * @throws InputError when the shop has not as many such train goals
 */
export function workedExamples(
  catalogue: Catalogue,
  count: number,
  form: MultiTurnForm = PLAIN_FORM,
): Exemplars {
  const environment = openEnvironment(catalogue);
  const found = {
    goals: [] as number[],
    query: [] as Message[],
    select: [] as Message[],
    act: [] as Message[],
  };
  const taught = { goals: catalogue.goalCount, oracle: 1, seed: SEED };
  let query: Demonstration | null = null;
  for (const two of twoDecisionDemonstrations(catalogue, taught)) {
    if (found.goals.length === count) break;
    if (two.task === "query") query = two;
    if (two.task !== "select" || query === null) continue;
    const { goal, reward } = two.from;
    const answered = query;
    query = null; // the selection that follows the query; a second one has other results
    if (reward !== 1 || two.answer === "1" || catalogue.goal(goal!).options.length === 0) continue;
    const actions = new OracleAgent(1).play(environment, goal!).steps.map(({ action }) => action);
    const from = { teacher: "oracle", split: "train", seed: SEED } as const;
    const acts = multiTurnDemonstrationsOf(environment, goal!, actions, from, form);
    if (acts.at(-1)?.from.reward !== 1) continue;
    found.goals.push(goal!);
    found.query.push(...turns(answered.messages, answered.answer));
    found.select.push(...turns(two.messages, two.answer));
    acts.forEach(({ messages, answer }, i) => {
      found.act.push(...turns(messages, form.thought ? withThought(actions[i]!, answer) : answer));
    });
  }
  if (found.goals.length < count) {
    throw new InputError(
      `This shop has only ${found.goals.length} train goals that make good examples, not ${count}.`,
    );
  }
  return found;
}

/** A question and its answer; the system message stands once, before all of them. */
function turns(messages: readonly Message[], answer: string): Message[] {
  return [...messages.filter(({ role }) => role !== "system"), { role: "assistant", content: answer }];
}

/** A thought for each kind of the oracle's actions, in the form that the prompt asks for. */
function withThought(action: string, answer: string): string {
  const thought = action.startsWith("search[")
    ? "Nothing is searched yet. The words of the task are a good query."
    : action === "click[buy now]"
      ? "This product is what the task asks for, and its options are chosen. I buy it."
      : /^click\[b0\w{8}\]$/.test(action)
        ? "This result fits the task best. I open it."
        : "The task asks for this option of the product.";
  return `<think>${thought}</think>\n${answer}`;
}
