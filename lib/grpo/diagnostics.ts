/** Where the step level of GiGPO comes from: how often states repeat, and what their actions came to. */
import { anchorGroups, gigpo, type GigpoOptions, mean } from "./advantages/index.js";
import type { Group } from "./types.js";

/** The action of a decision, as a person would read it. */
export type ActionOf = (rollout: number, turn: number) => string;

/** Turns by the size of their step group: size → turns that are in groups of it, ascending. */
export function anchorHistogram(groups: readonly Group[], similarity?: number): ReadonlyMap<number, number> {
  const turns = new Map<number, number>();
  for (const group of groups) {
    for (const { length } of anchorGroups(group, similarity).values()) {
      turns.set(length, (turns.get(length) ?? 0) + length);
    }
  }
  return new Map([...turns].sort(([a], [b]) => a - b));
}

/** One action in a state: how often it was taken and what came of it. */
export interface TriedAction {
  readonly action: string;
  readonly count: number;
  /** Mean discounted return from there. */
  readonly meanReturn: number;
  /** Mean step-level advantage. */
  readonly advantage: number;
}

/** A state in which a group's decisions met. */
export interface AnchorState {
  readonly state: string;
  readonly visits: number;
  /** Best first. */
  readonly tried: readonly TriedAction[];
  /** Mean size of the step advantages: how much the state teaches. */
  readonly teaches: number;
}

/** The states of a group that teach most: where different actions came to different returns. Those met once teach nothing. */
export function instructiveAnchors(
  group: Group,
  actionOf: ActionOf,
  options: GigpoOptions = {},
): AnchorState[] {
  const { step, stepReturns } = gigpo(group, options);
  const states: AnchorState[] = [];
  for (const [state, turns] of anchorGroups(group, options.similarity)) {
    if (turns.length < 2) continue;
    const byAction = new Map<string, (readonly [number, number])[]>();
    for (const turn of turns) {
      const action = actionOf(...turn);
      byAction.set(action, [...(byAction.get(action) ?? []), turn]);
    }
    const tried = [...byAction].map(([action, taken]) => ({
      action,
      count: taken.length,
      meanReturn: mean(taken.map(([i, t]) => stepReturns[i]![t]!)),
      advantage: mean(taken.map(([i, t]) => step[i]![t]!)),
    }));
    states.push({
      state,
      visits: turns.length,
      tried: tried.sort((a, b) => b.advantage - a.advantage || (a.action < b.action ? -1 : 1)),
      teaches: mean(turns.map(([i, t]) => Math.abs(step[i]![t]!))),
    });
  }
  return states.sort((a, b) => b.teaches * b.visits - a.teaches * a.visits);
}

/** A group's trajectories as a graph of states. */
export interface AnchorGraph {
  readonly nodes: readonly {
    readonly id: number;
    /** The state's text; null is the end of an episode. */
    readonly state: string | null;
    readonly visits: number;
    /** Mean return of the trajectories, once for each visit. */
    readonly meanReturn: number;
    /** Earliest step at which it was reached, from 0. */
    readonly depth: number;
  }[];
  readonly edges: readonly {
    readonly from: number;
    readonly to: number;
    readonly action: string;
    readonly count: number;
    readonly meanReturn: number;
  }[];
}

/** The states that a group's trajectories run through, the actions between them, and what came of it in the end. */
export function anchorGraph(group: Group, actionOf: ActionOf, similarity?: number): AnchorGraph {
  const nodeOf = new Map<string, number>();
  const nodes: { state: string | null; returns: number[]; depth: number }[] = [];
  for (const [state, turns] of [...anchorGroups(group, similarity)]) {
    nodes.push({ state, returns: turns.map(([i]) => group.rollouts[i]!.return), depth: Infinity });
    for (const [i, t] of turns) {
      nodeOf.set(`${i} ${t}`, nodes.length - 1);
      nodes[nodes.length - 1]!.depth = Math.min(nodes[nodes.length - 1]!.depth, t);
    }
  }
  const end = nodes.length;
  const lengths = group.rollouts.map(({ turns }) => turns.length);
  nodes.push({ state: null, returns: group.rollouts.map((r) => r.return), depth: Math.max(0, ...lengths) });
  const edges = new Map<string, { from: number; to: number; action: string; returns: number[] }>();
  group.rollouts.forEach((rollout, i) =>
    rollout.turns.forEach((_, t) => {
      const from = nodeOf.get(`${i} ${t}`)!;
      const to = nodeOf.get(`${i} ${t + 1}`) ?? end;
      const action = actionOf(i, t);
      const key = `${from} ${to} ${action}`;
      const edge = edges.get(key) ?? { from, to, action, returns: [] };
      edge.returns.push(rollout.return);
      edges.set(key, edge);
    }),
  );
  return {
    nodes: nodes.map(({ state, returns, depth }, id) => ({
      id,
      state,
      visits: returns.length,
      meanReturn: mean(returns),
      depth,
    })),
    edges: [...edges.values()].map(({ from, to, action, returns }) => ({
      from,
      to,
      action,
      count: returns.length,
      meanReturn: mean(returns),
    })),
  };
}
