/**
 * Things by name, one list for the whole process: a plugin or a notebook may have loaded this library a second time, and what it
 * registers there has to be found here.
 */
export function sharedRegistry<T>(of: string, first: () => Iterable<readonly [string, T]>): Map<string, T> {
  const key = Symbol.for(`aisle.${of}`);
  const all = globalThis as unknown as Record<symbol, Map<string, T> | undefined>;
  return (all[key] ??= new Map(first()));
}
