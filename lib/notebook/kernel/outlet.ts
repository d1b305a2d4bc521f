/** The output of cells, collected into few messages, each to the cell that it belongs to, and never without end. */
import type { Content } from "../wire.js";
import { BoundedStream } from "./bounds.js";
import { currentContext, type CellContext } from "./context.js";

/** Sends one iopub message. */
type Send = (type: string, content: Content, context: CellContext) => void;
type Name = "stdout" | "stderr";

/** The way out of the kernel. */
export interface Outlet {
  /** From now on, what is printed goes out as stream messages. */
  capture(): void;
  /** Sends the collected output: before any other output, so that the order stays. */
  flush(): void;
  /** The cell to which prints of unknown origin go from now on. */
  begin(context: CellContext): void;
  /** Sends the rest of a cell that ends. */
  end(context: CellContext): void;
  /** Prints into a cell. */
  print(name: Name, text: string, context?: CellContext): void;
  /** Shows or updates a display in the cell that asks. */
  display(data: Content, update: boolean): void;
  /** Clears the outputs of the cell that asks. */
  clear(wait: boolean): void;
}

/** A line of output waits this long for further ones: many short prints become one message. */
const GATHER_MS = 40;
/** Displays that one cell may show. */
const DISPLAYS = 2000;

interface Printed {
  readonly stdout: BoundedStream;
  readonly stderr: BoundedStream;
  displays: number;
}

/** The outlet that sends by `send`. */
export function createOutlet(send: Send): Outlet {
  const printed = new WeakMap<CellContext, Printed>();
  let latest: CellContext | undefined;
  // The prints that wait: of one stream of one cell; and the latest state of each display that waits.
  let [name, text] = ["stdout" as Name, ""];
  let owner: CellContext | undefined;
  const updates = new Map<string, { readonly data: Content; readonly context: CellContext }>();
  let sent = 0;
  let timer: NodeJS.Timeout | undefined;

  const printedOf = (context: CellContext): Printed => {
    let known = printed.get(context);
    if (!known)
      printed.set(
        context,
        (known = { stdout: new BoundedStream(), stderr: new BoundedStream(), displays: 0 }),
      );
    return known;
  };
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (text !== "" || updates.size > 0) sent = performance.now();
    if (text !== "" && owner) {
      const ready = text;
      text = "";
      send("stream", { name, text: ready }, owner);
    }
    for (const { data, context } of updates.values()) send("update_display_data", data, context);
    updates.clear();
  };
  /** Directly when the last message is a while ago: a cell that computes without a pause still shows how far it is. */
  const soon = (): void => {
    if (performance.now() - sent > GATHER_MS || text.length > 1 << 16) flush();
    else timer ??= setTimeout(flush, GATHER_MS);
  };
  const put = (to: Name, piece: string, context: CellContext): void => {
    if (piece === "") return;
    if (to !== name || context !== owner) flush();
    [name, owner] = [to, context];
    text += piece;
    soon();
  };
  const print = (to: Name, piece: string, given?: CellContext): void => {
    const context = given ?? currentContext() ?? latest;
    if (context) put(to, printedOf(context)[to].take(piece), context);
  };
  const writer = (to: Name) => {
    const decoder = new TextDecoder();
    return ((data: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
      print(to, typeof data === "string" ? data : decoder.decode(data, { stream: true }));
      const callback = typeof encoding === "function" ? encoding : done;
      if (typeof callback === "function") process.nextTick(callback as () => void);
      return true;
    }) as typeof process.stdout.write;
  };
  return {
    flush,
    print,
    begin: (context) => void (latest = context),
    end(context) {
      const { stdout, stderr } = printedOf(context);
      put("stdout", stdout.finish(), context);
      put("stderr", stderr.finish(), context);
      flush();
    },
    display(data, update) {
      const context = currentContext() ?? latest;
      if (!context) return;
      const id = (data["transient"] as { display_id?: string } | undefined)?.display_id;
      if (update && id !== undefined) {
        updates.set(id, { data, context });
        return soon();
      }
      const known = printedOf(context);
      known.displays++;
      if (known.displays > DISPLAYS + 1) return;
      flush();
      if (known.displays <= DISPLAYS) send("display_data", data, context);
      else print("stderr", `[This cell has shown ${DISPLAYS} things. What follows is left out.]\n`, context);
    },
    clear(wait) {
      flush();
      const context = currentContext() ?? latest;
      if (context) send("clear_output", { wait }, context);
    },
    capture() {
      process.stdout.write = writer("stdout");
      process.stderr.write = writer("stderr");
    },
  };
}
