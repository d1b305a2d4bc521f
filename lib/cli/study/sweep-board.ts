/** The progress of a whole sweep on stderr. */
import { MultiBar, type SingleBar } from "cli-progress";
import type { Sweep, SweepEvents, SweepRun } from "../../runs/index.js";
import { duration } from "../progress.js";

/** On a terminal a bar for the sweep with the time left and one for each run at work; elsewhere a line when something happens. */
export function sweepBoard(sweep: Sweep, worker: boolean): { events: SweepEvents; end(): void } {
  const started = performance.now();
  const total = sweep.runs.length;
  const fractions = new Map<string, number>();
  /** The progress before this process began to watch; it does not count towards the speed. */
  const before = new Map<string, number>();
  let over = 0;
  const live = process.stderr.isTTY ? liveBoard(total) : null;

  const left = (): string => {
    const done = [...fractions].reduce((sum, [id, fraction]) => sum + fraction - (before.get(id) ?? 0), 0);
    const open = total - [...fractions.values()].reduce((sum, fraction) => sum + fraction, 0);
    return done > 0.02 && !worker
      ? `about ${duration(((performance.now() - started) / 1000 / done) * open)} left`
      : "";
  };
  const say = (text: string): void => {
    if (live) live.log(text);
    else process.stderr.write(`${text}\n`);
  };
  const ended = (run: SweepRun, text: string): void => {
    over += 1;
    fractions.set(run.id, 1);
    live?.gone(run);
    live?.total(over, left());
    say(`[${over}/${total}] ${nameOf(run)}: ${text}${live || worker ? "" : left() && `, ${left()}`}`);
  };
  return {
    events: {
      started(run, by) {
        if (live) live.update(run, { done: fractions.get(run.id) ?? 0, at: by });
        else say(`${nameOf(run)}: ${by}`);
      },
      progress(run, progress) {
        if (!before.has(run.id)) before.set(run.id, progress.done);
        if (!live && /^goes on/.test(progress.at)) say(`${nameOf(run)}: ${progress.at}`);
        fractions.set(run.id, Math.min(progress.done, 0.99));
        live?.update(run, progress);
        live?.total(over, left());
      },
      finished: (run, records) =>
        ended(run, records.length > 0 ? `done, record ${records.join(", ")}` : "done"),
      failed(run, why, again) {
        if (again) say(`${nameOf(run)}: ${why}`);
        else ended(run, `failed: ${why}`);
      },
      note: say,
    },
    end: () => live?.end(),
  };
}

function nameOf(run: SweepRun): string {
  return `${run.variant} seed ${run.seed}`;
}

/** Bars: the sweep's on top. */
function liveBoard(total: number) {
  const bars = new MultiBar({
    format: "{bar} {percentage} %  {what}  {at}",
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  });
  const top: SingleBar = bars.create(
    total,
    0,
    { what: `runs of ${total}`, at: "" },
    { format: "{bar} {value} {what}  {at}" },
  );
  const rows = new Map<string, SingleBar>();
  return {
    update(run: SweepRun, { done, at }: { done: number; at: string }) {
      const row = rows.get(run.id) ?? bars.create(100, 0, { what: nameOf(run), at });
      rows.set(run.id, row);
      row.update(Math.round(100 * done), { at });
    },
    gone(run: SweepRun) {
      const row = rows.get(run.id);
      if (row) bars.remove(row);
      rows.delete(run.id);
    },
    total: (over: number, left: string) => top.update(over, { at: left }),
    log: (text: string) => bars.log(`${text}\n`),
    end: () => bars.stop(),
  };
}
