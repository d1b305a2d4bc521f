/** Showing things from code that a cell calls: what `tslab.display` does, in several formats at once and from `lib`. */
import { kernelBridge, type MimeBundle } from "./bridge.js";

export type { MimeBundle } from "./bridge.js";

/** A place in the output whose content can be replaced: a table that fills, a curve that grows. */
export interface LiveDisplay {
  show(bundle: MimeBundle): void;
}

/**
 * Shows something now, between what the cell prints before and after. Outside of a notebook (a script, a test) it does nothing
 * and says so by `false`.
 */
export function display(bundle: MimeBundle): boolean {
  const kernel = kernelBridge();
  kernel?.display(bundle, undefined, false);
  return kernel !== undefined;
}

/** A {@link LiveDisplay}; the name must be the only one of its kind in the notebook. Only its last state is saved. */
export function liveDisplay(name: string): LiveDisplay {
  let shown = false;
  return {
    show(bundle) {
      kernelBridge()?.display(bundle, name, shown);
      shown = true;
    },
  };
}

/** Clears what the cell has shown so far; with `wait` only when it shows the next thing. `false` outside of a notebook. */
export function clearOutput(wait = false): boolean {
  kernelBridge()?.clear(wait);
  return kernelBridge() !== undefined;
}

/** Opens Jupyter's pager, beside the notebook, with something long; other readers show it nowhere. `false` outside of a notebook. */
export function page(bundle: MimeBundle | string): boolean {
  kernelBridge()?.page(typeof bundle === "string" ? { "text/plain": bundle } : bundle);
  return kernelBridge() !== undefined;
}
