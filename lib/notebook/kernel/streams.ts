/** What cells print, gathered into few messages. */

/** Catches stdout and stderr. */
export interface Streams {
  /** From now on, what is printed goes out as stream messages. */
  capture(): void;
  /** Sends what is gathered: before any other output, so that the order stays. */
  flush(): void;
}

type Name = "stdout" | "stderr";

/** A line of output waits this long for company: many short prints become one message. */
const GATHER_MS = 40;

/** `send` puts text on a stream of the cell that runs. */
export function createStreams(send: (name: Name, text: string) => void): Streams {
  let name: Name = "stdout";
  let text = "";
  let sent = 0;
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    sent = performance.now();
    if (text === "") return;
    const ready = text;
    text = "";
    send(name, ready);
  };
  const write = (to: Name, piece: string): void => {
    if (to !== name) flush();
    name = to;
    text += piece;
    // Directly when the last message is a while ago: a cell that computes without a pause still shows how far it is.
    if (performance.now() - sent > GATHER_MS || text.length > 1 << 16) flush();
    else timer ??= setTimeout(flush, GATHER_MS);
  };
  const writer = (to: Name) => {
    const decoder = new TextDecoder();
    return ((data: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
      write(to, typeof data === "string" ? data : decoder.decode(data, { stream: true }));
      const callback = typeof encoding === "function" ? encoding : done;
      if (typeof callback === "function") process.nextTick(callback as () => void);
      return true;
    }) as typeof process.stdout.write;
  };
  return {
    flush,
    capture() {
      process.stdout.write = writer("stdout");
      process.stderr.write = writer("stderr");
    },
  };
}
