/** Small notebooks and a place to run them. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startKernelClient, type ExecuteReply, type KernelClient } from "../../lib/notebook/client.js";
import type { Cell, Notebook, Output } from "../../lib/notebook/index.js";
import { createCollector } from "../../lib/notebook/outputs.js";

/** A folder that is gone after the tests of the suite that asked for it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "aisle-test-notebook-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A code cell; a name that starts with `#` makes it Markdown. */
export function cell(source: string, ...tags: string[]): Cell {
  if (source.startsWith("# ")) return { cell_type: "markdown", metadata: {}, source };
  return {
    cell_type: "code",
    metadata: tags.length > 0 ? { tags } : {},
    source,
    outputs: [],
    execution_count: null,
  };
}

/** A cell that writes the kernel's process id where the test finds it, then does `rest`. */
export function pidCell(file: string, rest: string): Cell {
  return cell(
    `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(file)}, String(process.pid));\n${rest}`,
  );
}

/** The process id that such a cell has written. */
export function pidIn(file: string): number {
  return Number(readFileSync(file, "utf8"));
}

/** A notebook of these cells. */
export function book(...cells: Cell[]): Notebook {
  return { cells, metadata: {}, nbformat: 4, nbformat_minor: 4 };
}

/** Writes a notebook (or any text) into `folder` and gives its path. */
export function put(folder: string, name: string, content: Notebook | string): string {
  const file = path.join(folder, name);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

/** The outputs of each code cell. */
export function outputsOf(notebook: Notebook): Output[][] {
  return notebook.cells.filter((one) => one.cell_type === "code").map((one) => one.outputs ?? []);
}

/** What a finished command printed, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `aisle …`; `ended` resolves when it is over. */
export function aisle(
  args: readonly string[],
  env: Record<string, string> = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [path.join("lib", "aisle.mjs"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve) =>
    child.once("close", (code) => resolve({ code, stdout, stderr })),
  );
  return { child, ended };
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until something holds. */
export async function until(holds: () => boolean, milliseconds = 10000): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${String(holds)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** A cell that has run, with what it showed. */
export interface Ran extends ExecuteReply {
  readonly outputs: readonly Output[];
}

/** A kernel for the tests of a suite, and short ways to ask it. */
export class TestKernel {
  kernel!: KernelClient;

  /** Starts one before the suite and ends it after. */
  constructor() {
    before(async () => (this.kernel = await startKernelClient()));
    after(() => this.kernel.shutdown());
  }

  async run(source: string): Promise<Ran> {
    const cell = createCollector().begin();
    const reply = await this.kernel.execute(source, (type, content) => cell.take(type, content));
    return { ...reply, outputs: cell.outputs };
  }

  /** The result's text; whatever goes wrong fails the test with what the cell said. */
  async value(source: string): Promise<unknown> {
    const ran = await this.run(source);
    assert.equal(ran.status, "ok", JSON.stringify(ran.outputs));
    const result = ran.outputs.find((output) => output.output_type === "execute_result");
    return result?.data["text/plain"];
  }

  /** What a failing cell reports. */
  async failure(source: string) {
    const ran = await this.run(source);
    assert.equal(ran.status, "error");
    const error = ran.outputs.find((output) => output.output_type === "error");
    assert.ok(error);
    return { ...error, line: ran.line, outputs: ran.outputs };
  }

  /** What a cell reports that prints "ready" and is then interrupted. */
  async interrupted(source: string, send = (): void => this.kernel.interrupt()): Promise<Ran> {
    const cell = createCollector().begin();
    let sent = false;
    const reply = await this.kernel.execute(source, (type, content) => {
      cell.take(type, content);
      if (sent || !textOf(cell.outputs).includes("ready")) return;
      sent = true;
      send();
    });
    return { ...reply, outputs: cell.outputs };
  }

  /** What a cell printed on a stream. */
  async printed(source: string, name = "stdout"): Promise<string> {
    return textOf((await this.run(source)).outputs, name);
  }
}

/** What was printed on a stream. */
export function textOf(outputs: readonly Output[], name = "stdout"): string {
  return outputs
    .map((output) => (output.output_type === "stream" && output.name === name ? output.text : ""))
    .join("");
}
