/** Measures the environment alone: no model, one thread, every observation made. */
import { defaultCatalogue, type Environment, openEnvironment, splitRanges } from "../../simulator/index.js";

interface ScriptResult {
  readonly script: string;
  /** Steps of an episode, on average. */
  readonly steps: number;
  /** Steps per second: the first pass over the goals, with cold caches, and the median of all passes. */
  readonly first: number;
  readonly median: number;
}

export interface SimulatorResult {
  readonly products: number;
  readonly scripts: readonly ScriptResult[];
  readonly bytesPerSession: number;
}

/** Goals of a pass: the test goals. */
const GOALS = 500;
const IDLE_SESSIONS = 10_000;

type Script = (environment: Environment, goal: number) => number;

/** Plays scripted episodes on the test goals for about `seconds` a script. */
export async function benchSimulator(options: { data?: string; seconds: number }): Promise<SimulatorResult> {
  const catalogue = await defaultCatalogue(options.data);
  try {
    const environment = openEnvironment(catalogue);
    const { start, end } = splitRanges(catalogue.goalCount).test;
    const goals = Array.from({ length: Math.min(GOALS, end - start) }, (_, i) => start + i);
    const scripts = Object.entries({ rule, browse }).map(([script, play]) =>
      measure(script, play, environment, goals, options.seconds),
    );
    return { products: catalogue.size, scripts, bytesPerSession: idleSession(environment, goals) };
  } finally {
    catalogue.close();
  }
}

function measure(
  script: string,
  play: Script,
  environment: Environment,
  goals: readonly number[],
  seconds: number,
): ScriptResult {
  const rates: number[] = [];
  let steps = 0;
  const end = performance.now() + 1000 * seconds;
  do {
    const started = performance.now();
    steps = goals.reduce((sum, goal) => sum + play(environment, goal), 0);
    rates.push((1000 * steps) / (performance.now() - started));
  } while (performance.now() < end);
  const sorted = [...rates].sort((a, b) => a - b);
  return {
    script,
    steps: steps / goals.length,
    first: rates[0]!,
    median: sorted[Math.floor(sorted.length / 2)]!,
  };
}

/** Three steps: search the instruction, open the first result, buy it. */
function rule(environment: Environment, goal: number): number {
  return walk(environment, goal, (first) => [`click[${first}]`, "click[buy now]"]);
}

/** Eight steps: as a shopper who reads the item's pages and looks at the second page of results before buying. */
function browse(environment: Environment, goal: number): number {
  return walk(environment, goal, (first) => [
    "click[next >]",
    "click[< prev]",
    `click[${first}]`,
    "click[description]",
    "click[< prev]",
    "click[features]",
    "click[< prev]",
    "click[buy now]",
  ]);
}

function walk(environment: Environment, goal: number, rest: (first: string) => string[]): number {
  let { state } = environment.step(
    environment.reset({ goal }),
    `search[${environment.catalogue.goal(goal).instruction}]`,
  );
  const first = environment
    .actions(state)
    .click.find((text) => environment.catalogue.indexOf(text.toUpperCase()) >= 0);
  if (first === undefined) return 1;
  const actions = rest(first);
  for (const action of actions) ({ state } = environment.step(state, action));
  return 1 + actions.length;
}

/** Heap per session that waits on an item page. */
function idleSession(environment: Environment, goals: readonly number[]): number {
  const collect = (globalThis as { gc?: () => void }).gc;
  const held: unknown[] = [];
  const fill = (count: number): number => {
    for (let i = 0; i < count; i++) {
      const goal = goals[i % goals.length]!;
      const start = environment.reset({ goal, session: `session-${i}` });
      held.push(environment.step(start, `search[${environment.catalogue.goal(goal).instruction}]`).state);
    }
    collect?.();
    return process.memoryUsage().heapUsed;
  };
  const before = fill(goals.length); // what is shared (products, pages) is in the caches by now
  return (fill(IDLE_SESSIONS) - before) / IDLE_SESSIONS;
}
