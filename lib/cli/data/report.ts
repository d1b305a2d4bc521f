import { SingleBar } from "cli-progress";
import type { BuildProgress } from "../../simulator/index.js";

/** Shows on stderr how far a build is and how long it will still take. */
export interface BuildReporter {
  /** Of the files read before the products. */
  reading(what: string, done: number): void;
  building(progress: BuildProgress): void;
  /** Of the check of a large shop's files. */
  checking(done: number): void;
  /** Of anything else: what, how much so far, and the fraction done (0 where that is unknown). */
  doing(what: string, soFar: string, done: number): void;
  /** Leaves the last state on the screen. Once is enough, twice does no harm. */
  end(): void;
}

/** Without a terminal, a line at every tenth. */
const TENTHS = 10;

const STAGES: Readonly<Record<BuildProgress["stage"], string>> = {
  products: "reading products",
  goals: "making goals",
  index: "building the index",
  writing: "writing",
};

/** A bar on a terminal, a few lines elsewhere; nothing for what takes less than a second. */
export function buildReporter(): BuildReporter {
  const started = Date.now();
  const terminal = process.stderr.isTTY;
  let bar: SingleBar | undefined;
  let scale = "";
  let scaleStart = started;
  let tenth = 0;
  /** Times are reckoned over a `scale`: one file read, or the whole build. */
  const show = (over: string, what: string, done: number): void => {
    const now = Date.now();
    if (over !== scale) {
      scale = over;
      scaleStart = now;
      tenth = 0;
    }
    if (now - started < 1000) return;
    const left = done > 0.01 && done < 1 ? `about ${duration(((now - scaleStart) / done) * (1 - done))} left` : "";
    if (terminal) {
      bar ??= startBar();
      bar.update(done, { what, left });
    } else if (Math.floor(done * TENTHS) > tenth) {
      tenth = Math.floor(done * TENTHS);
      process.stderr.write(`${what}: ${Math.round(done * 100)} %${left === "" ? "" : `, ${left}`}\n`);
    }
  };
  return {
    reading: (what, done) => show(what, `reading ${what}`, done),
    building: ({ stage, done, products }) =>
      show("build", `${STAGES[stage]} (${products.toLocaleString("en")} products)`, done),
    checking: (done) => show("check", "checking the shop's files", done),
    doing: (what, soFar, done) => show(what, `${what} (${soFar})`, done),
    end: () => {
      bar?.stop();
      bar = undefined;
    },
  };
}

function startBar(): SingleBar {
  const bar = new SingleBar({
    format: "{bar} {percentage} % {what} {left}",
    barsize: 24,
    hideCursor: true,
    stream: process.stderr,
  });
  bar.start(1, 0, { what: "", left: "" });
  return bar;
}

function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
