/** The cells that were run in this session. https://jupyter-client.readthedocs.io/en/stable/messaging.html#history */
import type { Content } from "../wire.js";

/** One execution. */
interface Entry {
  readonly line: number;
  readonly input: string;
  output: string | null;
}

/** The session's number: a kernel remembers only its own. */
const SESSION = 1;

/** A session's history. */
export class History {
  private readonly entries: Entry[] = [];

  /** Keeps a cell that starts. */
  add(line: number, input: string): void {
    this.entries.push({ line, input, output: null });
  }

  /** Keeps the text of the last cell's result. */
  setOutput(output: string): void {
    const last = this.entries.at(-1);
    if (last) last.output = output;
  }

  /** Answers a history_request: the last n, a range of lines (its end left out), or those that a glob matches. */
  answer(request: Content): Content {
    const found = this.find(request);
    const history = found.map(({ line, input, output }) => [
      SESSION,
      line,
      request["output"] === true ? [input, output] : input,
    ]);
    return { status: "ok", history };
  }

  private find(request: Content): readonly Entry[] {
    const n = numberOr(request["n"], Infinity);
    const lastN = (entries: readonly Entry[]): readonly Entry[] =>
      n === Infinity ? entries : entries.slice(-n || entries.length);
    switch (request["hist_access_type"]) {
      case "range": {
        const session = numberOr(request["session"], 0);
        // 0 is this session, and negative numbers count back from it.
        if (session !== 0 && session !== SESSION) return [];
        const [start, stop] = [numberOr(request["start"], 0), numberOr(request["stop"], Infinity)];
        return this.entries.filter(({ line }) => line >= start && line < stop);
      }
      case "search": {
        const pattern = globOf(typeof request["pattern"] === "string" ? request["pattern"] : "*");
        let matching = this.entries.filter(({ input }) => pattern.test(input));
        if (request["unique"] === true) {
          const latest = new Map(matching.map((entry) => [entry.input, entry]));
          matching = matching.filter((entry) => latest.get(entry.input) === entry);
        }
        return lastN(matching);
      }
      default:
        return lastN(this.entries);
    }
  }
}

function numberOr(value: unknown, fallback: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

/** `*` is any text, `?` any one character. */
function globOf(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\*/g, "[^]*").replace(/\?/g, "[^]")}$`);
}
