/** Which cell a piece of code belongs to, also when it runs later: a timer's print goes to the cell that set the timer. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Message } from "../wire.js";

/** One execution of a cell. */
export interface CellContext {
  /** Jupyter's request, which outputs name as their parent. */
  readonly request: Message;
  /** The number in its brackets. */
  readonly count: number;
  /** Aborted by an interrupt. */
  readonly controller: AbortController;
  /** Whether something in the cell has asked for the signal, and so will stop by itself. */
  heeded: boolean;
  /** Whether it still runs. */
  running: boolean;
}

const storage = new AsyncLocalStorage<CellContext>();

/** Starts an execution. */
export function createContext(request: Message, count: number): CellContext {
  return { request, count, controller: new AbortController(), heeded: false, running: true };
}

/** Runs `work`, and all that it starts, as part of a cell. */
export function inContext<T>(context: CellContext, work: () => T): T {
  return storage.run(context, work);
}

/** The cell to which the code that runs now belongs, if it is known. */
export function currentContext(): CellContext | undefined {
  return storage.getStore();
}
