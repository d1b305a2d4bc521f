/** A sweep: a grid or a list of configurations × seeds, written out as runs that each know their place on disk. */
import { join, resolve } from "node:path";
import { z } from "zod";
import { InputError, messageOf, quoted, readJson } from "../../base/index.js";
import { canonicalJson, sha256 } from "../../records/index.js";
import { runKindNamed, runKindNames } from "../kinds/index.js";
import { loadPlugins, takePlugins } from "../plugins.js";
import { withSetting, withSettings } from "../settings.js";
import { pluginsNow } from "../training/loaded-plugins.js";

const json = z.json();
const seed = z.int().nonnegative();

const path = z.string().regex(/^[^.\s]+(\.[^.\s]+)*$/, "name a setting as in update.learningRate");

const schema = z.strictObject({
  kind: z.literal("sweep"),
  /** The sweep's name: its folder is `data/training/<name>`. */
  name: z.string().regex(/^[a-z0-9][a-z0-9_.-]*$/, "use lower-case letters, digits, dots and dashes"),
  /** The configuration that is varied: a file, or the configuration itself. `{"kind": "evaluate", "agent": …}` too. */
  base: z.union([z.string().min(1), z.record(z.string(), json)]),
  /** For each setting, as a path with dots, the values that it takes; every combination is run. */
  grid: z.record(path, z.array(json).min(1)).default({}),
  /**
   * Named changes, each several settings that belong together (tasks and sizes at equal roll-outs) or none (the base as it is);
   * each is run with every combination of the grid. Default: none.
   */
  variants: z
    .record(
      z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 .,+-]*$/, "use letters, digits, blanks and . , + -"),
      z.record(path, json),
    )
    .optional(),
  seeds: z.array(seed).min(1).default([0, 1, 2]),
  /** After training: how many test goals the model plays for its record. Null: none. */
  testGoals: z.int().positive().nullable().default(500),
});

/** A sweep's file, checked. */
export type SweepConfig = z.output<typeof schema>;

/** The base of a sweep: a kind of run, or `evaluate`. */
export type RunKindName = string;

/** One run of a sweep: plain data, so that it can be sent to another process or machine. */
export interface SweepRun {
  /** `<variant>-s<seed>-<first digits of its key>`: a folder's name, and the queue's job. */
  readonly id: string;
  readonly kind: RunKindName;
  /** The base's name and what is varied: `grpo:learningRate=0.0001`. Records carry it as the agent's name. */
  readonly variant: string;
  readonly seed: number;
  /** The whole configuration, seed included. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly testGoals: number | null;
  /** Files to load before it; the same on every machine. */
  readonly plugins?: readonly string[];
}

/** A sweep written out. */
export interface Sweep {
  readonly name: string;
  /** SHA-256 over all runs: what a queue is named after, so that two states of a file never mix. */
  readonly key: string;
  readonly runs: readonly SweepRun[];
}

/** The settings of an evaluation as a sweep's base. */
export const evaluateBase = z.strictObject({
  kind: z.literal("evaluate"),
  agent: z.string().min(1),
  split: z.enum(["test", "dev", "train"]).default("test"),
  /** The first so many goals of the split; all by default. */
  goals: z.int().positive().nullable().default(null),
  data: z.string().nullable().default(null),
  seed,
});

/**
 * Reads a sweep's file and writes it out. Every run's configuration is checked here, before any of them starts.
 * @throws InputError for an unknown key, a setting that does not exist, or two runs that are the same
 */
export function readSweep(file: string, given: SweepGiven = {}): Promise<Sweep> {
  return planSweep(readJson(file, "sweep"), file, given);
}

/** Options beside a sweep's file. */
export interface SweepGiven {
  /** Files of plugins. */
  readonly plugins?: readonly string[];
  /** Settings over the base, each `path=value`. */
  readonly settings?: readonly string[];
}

/** `readSweep` of a value. */
export async function planSweep(
  content: unknown,
  where = "the sweep",
  { plugins = [], settings = [] }: SweepGiven = {},
): Promise<Sweep> {
  const { value: whole, plugins: own } = takePlugins(content, where);
  const { value, plugins: ofBase } = overBase(whole, settings, where);
  const files = [...plugins.map((path) => resolve(path)), ...own, ...ofBase];
  await loadPlugins(files);
  const { name, testGoals, variants } = expandSweep(value, where);
  const runs: SweepRun[] = [];
  for (const { variant, config, seeds } of variants) {
    for (const one of seeds)
      runs.push(runOf({ ...config, seed: one }, variant, one, testGoals, where, files));
  }
  const twice = runs.find((run, i) => runs.findIndex(({ id }) => id === run.id) !== i);
  if (twice) throw new InputError(`In ${where}: ${twice.id} is there twice.`);
  return { name, key: sha256(canonicalJson(runs)), runs };
}

/** One combination of a sweep's grid. */
export interface SweepVariant {
  readonly variant: string;
  /** Its name among the sweep's variants; null where only the grid sets it apart. */
  readonly named: string | null;
  /** The settings in which it differs, by path. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The settings that the name stands for. */
  readonly change: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly seeds: readonly number[];
}

/**
 * A sweep's variants, their configurations unchecked: enough to look for their records.
 * @throws InputError when the value is no sweep
 */
export function expandSweep(
  value: unknown,
  where = "the sweep",
): { name: string; testGoals: number | null; variants: SweepVariant[] } {
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const at = issue.path.join(".");
    throw new InputError(`In ${where}${at ? `, ${at}` : ""}: ${issue.message}.`);
  }
  const { name, base, grid, seeds, testGoals } = parsed.data;
  const changes: readonly [string | null, Plain][] = Object.entries(parsed.data.variants ?? {});
  const content = typeof base === "string" ? readJson(base, "configuration") : base;
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new InputError(`In ${where}, base: a configuration is a JSON object.`);
  }
  const set = (config: Plain, settings: readonly Setting[]): Plain =>
    settings.reduce((all, [at, to]) => withSetting(all, at.split("."), to), config);
  const variants = (changes.length > 0 ? changes : [[null, {}] as const]).flatMap(([named, change]) =>
    combinations(grid).map((settings): SweepVariant => {
      const config = set(set(content as Plain, Object.entries(change)), settings);
      const shown = settings.filter(([at]) => at !== "agent"); // the agent is the name itself
      const parts = [...(named === null ? [] : [named]), ...shown.map(label)];
      const variant = [baseName(config, content as Plain), ...parts].join(":");
      const all = { ...change, ...Object.fromEntries(settings) };
      return { variant, named, settings: all, change: Object.keys(change), config, seeds };
    }),
  );
  return { name, testGoals, variants };
}

/**
 * The key of a variant's records: SHA-256 of its configuration without the seed. A record of an earlier state of the sweep's
 * file has another one, and is not taken for one of this.
 */
export function trainingKey(config: Plain): string {
  return sha256(
    canonicalJson(Object.fromEntries(Object.entries(config).filter(([name]) => name !== "seed"))),
  );
}

/** The folder of a run's checkpoints, metrics and model. */
export function runFolder(root: string, run: SweepRun): string {
  return join(root, run.id);
}

type Plain = Readonly<Record<string, unknown>>;
type Setting = readonly [at: string, value: unknown];

/** Every combination of a grid, the last setting turning fastest. */
function combinations(grid: Readonly<Record<string, readonly unknown[]>>): Setting[][] {
  return Object.entries(grid).reduce<Setting[][]>(
    (all, [at, values]) => all.flatMap((one) => values.map((value) => [...one, [at, value] as const])),
    [[]],
  );
}

/** A sweep's content with settings over its base and the base's plugins taken out. */
function overBase(
  content: unknown,
  settings: readonly string[],
  where: string,
): { value: unknown; plugins: readonly string[] } {
  if (typeof content !== "object" || content === null || !("base" in content)) {
    return { value: content, plugins: [] };
  }
  const { base } = content;
  const read = typeof base === "string" ? readJson(base, "configuration") : base;
  const place = typeof base === "string" ? base : where;
  const { value, plugins } = takePlugins(withSettings(read, settings, place), place);
  return { value: { ...content, base: value }, plugins };
}

/** The name that all variants share; where the grid names the agent or the preset itself, that is the name. */
function baseName(config: Plain, base: Plain): string {
  const name = config["kind"] === "evaluate" ? config["agent"] : (base["name"] ?? base["kind"]);
  return typeof name === "string" ? name : quoted(name); // which the kind then refuses
}

function label([at, value]: Setting): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return `${at.split(".").at(-1)!}=${text.replace(/["{}\s]/g, "")}`;
}

function runOf(
  config: Plain,
  variant: string,
  of: number,
  testGoals: number | null,
  where: string,
  plugins: readonly string[],
): SweepRun {
  const kind = check(config, variant, where);
  const key = sha256(canonicalJson({ config, testGoals, ...(plugins.length > 0 ? pluginsNow() : {}) }));
  const slug = variant
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^[-.]+|-+$/g, "")
    .slice(0, 60);
  return {
    id: `${slug}-s${of}-${key.slice(0, 8)}`,
    kind,
    variant,
    seed: of,
    config,
    testGoals: kind === "evaluate" ? null : testGoals,
    ...(plugins.length > 0 ? { plugins } : {}),
  };
}

/** @throws InputError when a run's configuration is not one */
function check(config: Plain, variant: string, where: string): RunKindName {
  const kind = config["kind"];
  const place = `${where} (${variant})`;
  if (kind === "evaluate") {
    const parsed = evaluateBase.safeParse(config);
    if (!parsed.success) throw new InputError(`In ${place}: ${messageOf(parsed.error.issues[0]?.message)}.`);
    return kind;
  }
  const trained = runKindNamed(kind);
  if (!trained) {
    throw new InputError(
      `In ${where}: the base is of kind ${quoted(kind)}; a sweep can run ${[...runKindNames(), "evaluate"].join(", ")}.`,
    );
  }
  trained.parse(trained.placed?.(config, "here") ?? config, place);
  return trained.kind;
}
