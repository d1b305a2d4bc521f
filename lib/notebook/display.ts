/** Showing things from code that a cell calls: what `tslab.display` does, in several formats at once and from `lib`. */
import { createRequire } from "node:module";
import path from "node:path";

/** One thing in several formats, by MIME type; the reader shows the best that it can. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** A place in the output whose content can be replaced: a table that fills, a curve that grows. */
export interface LiveDisplay {
  show(bundle: MimeBundle): void;
}

/**
 * Shows something now, between what the cell prints before and after. Outside of a notebook (a script, a test) it does nothing
 * and says so by `false`.
 */
export function display(bundle: MimeBundle): boolean {
  return send(bundle, undefined, false);
}

/** A {@link LiveDisplay}; the name must be the only one of its kind in the notebook. Only its last state is saved. */
export function liveDisplay(name: string): LiveDisplay {
  let shown = false;
  return {
    show(bundle) {
      send(bundle, name, shown);
      shown = true;
    },
  };
}

type Write = (data: { data: MimeBundle; metadata: object; transient: object }, update: boolean) => void;

function send(data: MimeBundle, name: string | undefined, update: boolean): boolean {
  const write = writer();
  write?.({ data, metadata: {}, transient: name === undefined ? {} : { display_id: name } }, update);
  return write !== null;
}

/** The kernel leaves its way out in tslab's module, where tslab's own display functions find it; elsewhere there is none. */
function writer(): Write | null {
  const require = createRequire(path.resolve("package.json"));
  const home = require.resolve("tslab");
  const loaded = require.cache[path.join(path.dirname(home), "jupyter.js")];
  return (
    (loaded?.exports as { lastWriteDisplayData?: Write | null } | undefined)?.lastWriteDisplayData ?? null
  );
}
