/** A real JupyterLab in a real Chromium: what a reader sees of interrupts, variables that stay, and edited files. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { chromium, type Browser, type Locator, type Page } from "playwright-core";
import { book, cell, put, temporaryFolder } from "../../notebook/helpers.js";
import { pythonWith } from "./python.js";

const CHROMIUM = "/usr/bin/chromium";
const ARGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

describe("JupyterLab", function () {
  this.timeout(180000);
  if (!existsSync(CHROMIUM)) {
    it("shows our kernel's work", function () {
      process.stderr.write(`      skipped: there is no ${CHROMIUM}\n`);
      this.skip();
    });
    return;
  }
  const python = pythonWith(this, "jupyterlab");
  const folder = temporaryFolder();
  const edited = "data/tmp/lab-test";
  let server: ChildProcess | undefined;
  let browser: Browser | undefined;
  let page: Page;
  let said = "";

  const sources = [
    'const kept = 40;\nlet grown = [1];\nconsole.log("ready");\nfor (let i = 0; ; i++) {\n  await new Promise((resolve) => setTimeout(resolve, 50));\n  console.log("round", i);\n}\nconst never = 1;',
    "grown.push(1);\nkept + grown.length",
    `import { answer } from "./${edited}/answer.js";\nanswer()`,
    "answer() + 0",
    "for (;;) {}",
    "kept",
  ];

  before(async function () {
    mkdirSync(edited, { recursive: true });
    writeFileSync(`${edited}/answer.ts`, "export const answer = (): number => 5;\n");
    put(folder, "lab.ipynb", {
      ...book(...sources.map((source) => cell(source))),
      metadata: { kernelspec: { name: "aisle", display_name: "TypeScript (Aisle)", language: "typescript" } },
    });
    const at = (name: string): string => path.join(folder, name);
    server = spawn(
      python,
      `-m jupyterlab --no-browser --allow-root --ip=127.0.0.1 --port=0 --ServerApp.token=test --ServerApp.root_dir=${folder}`.split(
        " ",
      ),
      {
        env: {
          ...process.env,
          JUPYTER_PATH: path.resolve("lib", "notebook"),
          JUPYTER_CONFIG_DIR: at("config"),
          JUPYTER_DATA_DIR: at("data"),
          JUPYTER_RUNTIME_DIR: at("runtime"),
        },
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    const address = await new Promise<string>((resolve, reject) => {
      server!.stderr!.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
        if (found) resolve(found);
      });
      server!.once("exit", (code) => reject(new Error(`JupyterLab ended with ${code}:\n${said}`)));
    });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS.split(" "), headless: true });
    page = await browser.newPage();
    await page.goto(`${address}/lab/tree/lab.ipynb?token=test`);
    await page.locator(".jp-NotebookPanel .jp-CodeCell").first().waitFor({ timeout: 90000 });
    // Before the kernel has said that it is there, JupyterLab asks which kernel is meant.
    await page.getByText("TypeScript (Aisle) | Idle").waitFor({ timeout: 60000 });
    await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor({ timeout: 60000 });
  });
  after(async () => {
    await browser?.close();
    server?.kill("SIGTERM");
    rmSync(edited, { recursive: true, force: true });
  });

  const cellAt = (index: number): Locator => page.locator(".jp-NotebookPanel .jp-CodeCell").nth(index);
  const run = async (index: number): Promise<void> => {
    await cellAt(index).locator(".cm-content").click();
    await page.keyboard.press("Control+Enter");
  };
  const interrupt = (): Promise<void> =>
    page.locator('.jp-NotebookPanel-toolbar [data-command="notebook:interrupt-kernel"]').first().click();
  /** Waits until the cell's outputs hold something. */
  const shows = async (index: number, text: string | RegExp, timeout = 60000): Promise<string> => {
    const area = cellAt(index).locator(".jp-OutputArea");
    await area.filter({ hasText: text }).waitFor({ timeout });
    return area.innerText();
  };

  it("ends a cell that waits when it is interrupted, for good, and keeps its variables", async () => {
    await run(0);
    await shows(0, "round 2");
    await interrupt();
    await shows(0, "Interrupted: the cell was interrupted");
    await page.waitForTimeout(500);
    const before = await shows(0, "ready");
    await page.waitForTimeout(1000);
    assert.equal(await shows(0, "ready"), before, "nothing more is printed");
    await run(1);
    await shows(1, /^\s*(\[\d+\]:)?\s*42\s*$/);
  });

  it("tells that a file was edited after it was loaded", async () => {
    await run(2);
    await shows(2, "5");
    writeFileSync(`${edited}/answer.ts`, "export const answer = (): number => 6;\n");
    utimesSync(`${edited}/answer.ts`, Date.now() / 1000 + 10, Date.now() / 1000 + 10);
    await run(3);
    await shows(3, `${edited}/answer.ts has changed since this kernel loaded it`);
  });

  it("ends a cell that computes when it is interrupted, and goes on", async () => {
    await run(4);
    await page.locator('.jp-Notebook-ExecutionIndicator[data-status="busy"]').waitFor();
    await page.waitForTimeout(1000);
    await interrupt();
    await shows(4, "Interrupted: the cell was interrupted");
    await run(5);
    await shows(5, "40");
  });
});
