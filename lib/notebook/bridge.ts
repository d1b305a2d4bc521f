/** The way from code that runs in a notebook to the kernel under it. */

/** Formats of one thing, by MIME type; the reader shows the best that it can. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** The kernel's services for code. */
export interface KernelBridge {
  /** Shows something, or a new state of what has been shown under the same name. */
  display(data: MimeBundle, name: string | undefined, update: boolean): void;
  /** Clears the cell's outputs; with `wait` when the next comes. */
  clear(wait: boolean): void;
  /** Opens the reader's pager with something long. */
  page(data: MimeBundle): void;
  /** Asks the reader. */
  ask(question: string, hidden: boolean): Promise<string>;
}

const KEY = Symbol.for("aisle.kernel");
type Holder = typeof globalThis & { [KEY]?: KernelBridge };

/** The kernel, for code that runs in one. */
export function kernelBridge(): KernelBridge | undefined {
  return (globalThis as Holder)[KEY];
}

/** Lets code in this process find the kernel. */
export function offerBridge(bridge: KernelBridge): void {
  (globalThis as Holder)[KEY] = bridge;
}
