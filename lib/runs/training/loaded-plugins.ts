import { InputError, sharedRegistry } from "../../base/index.js";

/** SHA-256 of the plugins that are loaded, by the name of their file: they decide results as the code does. */
const loaded = sharedRegistry<string>("plugins", () => []);

/** Notes a plugin. @throws InputError when another file of the same name is loaded */
export function notePlugin(name: string, sum: string): void {
  const other = loaded.get(name);
  if (other !== undefined && other !== sum) {
    throw new InputError(
      `Two plugins are called ${name}, and records tell plugins by their names: rename one.`,
    );
  }
  loaded.set(name, sum);
}

/** Whether this very file is loaded. */
export function isLoaded(name: string, sum: string): boolean {
  return loaded.get(name) === sum;
}

/** The plugins of this process as a part of an identity; nothing where there are none. */
export function pluginsNow(): { readonly plugins?: Readonly<Record<string, string>> } {
  return loaded.size > 0 ? { plugins: Object.fromEntries([...loaded].sort()) } : {};
}

/**
 * @param what begins the sentence
 * @throws InputError when something was made with a plugin that is not loaded, or not in this state
 */
export function requirePlugins(what: string, plugins: Readonly<Record<string, string>> = {}): void {
  for (const [name, sum] of Object.entries(plugins)) {
    if (loaded.get(name) === sum) continue;
    throw new InputError(
      loaded.has(name)
        ? `${what} cannot be used: the plugin ${name} has changed since.`
        : `${what} was made with the plugin ${name}: give it with --plugin.`,
    );
  }
}
