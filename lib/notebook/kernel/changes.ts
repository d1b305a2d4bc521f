/** Files of the project that were edited after they had been loaded: TypeScript sees the new text, the process runs the old. */
import { readFileSync, statSync } from "node:fs";
import path from "node:path";

/** Watches what a kernel has loaded. */
export interface LoadedFiles {
  /** Remembers these files as loaded now, unless they were before. */
  loaded(files: readonly string[]): void;
  /** One line about the files that have changed since they were loaded and since this was last asked, if any have. */
  warning(): string | undefined;
}

interface Loaded {
  readonly text: string | undefined;
  stamp: number;
}

/** Nothing loaded yet; names are told relative to `root`. */
export function createLoadedFiles(root: string): LoadedFiles {
  const known = new Map<string, Loaded>();
  return {
    loaded(files) {
      for (const file of files)
        if (!known.has(file)) known.set(file, { text: textOf(file), stamp: stampOf(file) });
    },
    warning() {
      const changed: string[] = [];
      for (const [file, entry] of known) {
        const stamp = stampOf(file);
        if (stamp === entry.stamp) continue;
        entry.stamp = stamp;
        // Saved without a change, or back to what runs.
        if (textOf(file) !== entry.text) changed.push(path.relative(root, file).split(path.sep).join("/"));
      }
      if (changed.length === 0) return undefined;
      const [first, more] = [changed[0]!, changed.length - 1];
      const which =
        more === 0
          ? `${first} has changed since this kernel loaded it`
          : `${first} and ${more} more ${more === 1 ? "file" : "files"} have changed since this kernel loaded them`;
      return `${which}: cells run the old code until the kernel is restarted.`;
    },
  };
}

function stampOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
