/** The kinds of run: one file and one line each. */
import { didYouMean, InputError, quoted, sharedRegistry } from "../../base/index.js";
import { grpoKind } from "./grpo.js";
import { imitateKind } from "./imitate.js";
import type { RunKind } from "./kind.js";
import { pretrainKind } from "./pretrain.js";

/** A kind whose configurations only it understands: what `parse` gives is what the others take. */
export type AnyRunKind = RunKind<object>;

const kinds = sharedRegistry<AnyRunKind>("runs", () =>
  [grpoKind, imitateKind, pretrainKind].map((kind) => [kind.kind, kind as unknown as AnyRunKind]),
);

/**
 * Adds a kind of run, for `aisle train`, sweeps, records and evaluations.
 * @throws InputError for a name that is taken
 */
export function registerRunKind<Config extends object>(kind: RunKind<Config>): void {
  if (kinds.has(kind.kind)) throw new InputError(`There is a kind of run "${kind.kind}" already.`);
  kinds.set(kind.kind, kind as unknown as AnyRunKind);
}

/** The names of all kinds of run. */
export function runKindNames(): readonly string[] {
  return [...kinds.keys()];
}

/** The kind of a name, or undefined. */
export function runKindNamed(name: unknown): AnyRunKind | undefined {
  return typeof name === "string" ? kinds.get(name) : undefined;
}

/**
 * The kind of a configuration.
 * @throws InputError when there is none of its name
 */
export function runKindOf(config: unknown, where: string): AnyRunKind {
  const name: unknown =
    typeof config === "object" && config !== null && "kind" in config ? config.kind : undefined;
  const kind = runKindNamed(name);
  if (!kind) {
    throw new InputError(
      `In ${where}, kind: ${quoted(name)} is no kind of training; there are ${runKindNames().join(", ")}.${typeof name === "string" ? didYouMean(name, runKindNames()) : ""}`,
    );
  }
  return kind;
}

export * from "./grpo.js";
export * from "./imitate.js";
export * from "./kind.js";
export * from "./pretrain.js";
export * from "./train.js";
