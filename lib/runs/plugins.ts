/** Plugins: a user's own files that add agents, estimators, reward terms and kinds of run, without a fork. */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import * as agents from "../agents/index.js";
import { InputError, messageOf, sha256 } from "../base/index.js";
import * as grpo from "../grpo/index.js";
import * as rewards from "../rewards/index.js";
import * as simulator from "../simulator/index.js";
import { grpoKind, imitateKind, pretrainKind, registerRunKind } from "./kinds/index.js";
import { isLoaded, notePlugin } from "./training/loaded-plugins.js";

/** The argument of a plugin: everything that it registers with, and what it builds from. */
export type Aisle = typeof grpo &
  typeof rewards &
  typeof simulator &
  typeof agents & {
    readonly registerRunKind: typeof registerRunKind;
    /** The kinds of run that are there, for one that differs in a part. */
    readonly runKinds: {
      readonly grpo: typeof grpoKind;
      readonly imitate: typeof imitateKind;
      readonly pretrain: typeof pretrainKind;
    };
    /** Schemas of settings. */
    readonly z: typeof z;
  };

export type { Completer } from "../agents/index.js";
export type { Environment } from "../simulator/index.js";

/** A plugin's default export. */
export type Plugin = (aisle: Aisle) => void | Promise<void>;

/**
 * Loads plugins, each once: a TypeScript or JavaScript file whose default export is a function, which is called with {@link Aisle}.
 * The SHA-256 of its file becomes part of the identity of what is made while it is loaded.
 * @param files from the current folder
 * @throws InputError when a file is missing, cannot be run or has no such export
 */
export async function loadPlugins(files: readonly string[]): Promise<void> {
  for (const file of files) {
    const path = resolve(file);
    if (!existsSync(path)) throw new InputError(`There is no plugin ${file}.`);
    const [name, sum] = [basename(path), sha256(readFileSync(path))];
    if (isLoaded(name, sum)) continue;
    notePlugin(name, sum);
    try {
      const plugin = await defaultOf(path);
      if (typeof plugin !== "function") {
        throw new InputError("its default export should be a function, export default (aisle) => { … }");
      }
      await (plugin as Plugin)(aisleFor(name, sum));
    } catch (error) {
      throw new InputError(`The plugin ${file} cannot be loaded: ${messageOf(error)}.`);
    }
  }
}

/**
 * Takes `"plugin": "./mine.ts"` (or a list) out of a configuration's content.
 * @param file the configuration's: paths are from its folder
 * @throws InputError when it is no path
 */
export function takePlugins(value: unknown, file: string): { value: unknown; plugins: string[] } {
  if (typeof value !== "object" || value === null || !("plugin" in value)) return { value, plugins: [] };
  const { plugin, ...rest } = value;
  const paths = z.union([z.string().min(1), z.array(z.string().min(1))]).safeParse(plugin);
  if (!paths.success) throw new InputError(`In ${file}, plugin: give the path of a file, or a list of them.`);
  return { value: rest, plugins: [paths.data].flat().map((path) => resolve(dirname(file), path)) };
}

/** A file's default export, from wherever it lies and whatever kind of module its folder makes it. */
async function defaultOf(path: string): Promise<unknown> {
  const { tsImport } = await import("tsx/esm/api");
  const url = pathToFileURL(path).href;
  const module = (await tsImport(url, url)) as { default?: unknown };
  const inner: unknown = module.default;
  // Outside a folder of ES modules the export is wrapped once more.
  return typeof inner === "object" && inner !== null && "default" in inner ? inner.default : inner;
}

/** The library for one plugin: agents that it registers say in their settings which file made them. */
function aisleFor(name: string, sum: string): Aisle {
  const registerAgent: typeof agents.registerAgent = (agent, make) =>
    agents.registerAgent(agent, async () => marked(await make(), name, sum));
  const runKinds = { grpo: grpoKind, imitate: imitateKind, pretrain: pretrainKind };
  return {
    ...grpo,
    ...rewards,
    ...simulator,
    ...agents,
    registerAgent,
    registerRunKind,
    runKinds,
    z,
  } as Aisle;
}

function marked(agent: agents.Agent, name: string, sum: string): agents.Agent {
  return {
    name: agent.name,
    settings: { ...agent.settings, plugin: { [name]: sum } },
    ...(agent.model ? { model: agent.model } : {}),
    ...(agent.remote ? { remote: agent.remote } : {}),
    ...(agent.together === undefined ? {} : { together: agent.together }),
    ...(agent.dispose ? { dispose: () => agent.dispose!() } : {}),
    play: (environment, goal, random) => agent.play(environment, goal, random),
  };
}
