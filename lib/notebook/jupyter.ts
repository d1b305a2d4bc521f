/** The Jupyters that may be on this machine. */
import { spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { KERNEL_PATH } from "./kernelspec.js";

/** A program with a browser page for notebooks. */
export interface JupyterApp {
  readonly name: "JupyterLab" | "Notebook";
  readonly command: readonly string[];
  readonly version: string;
}

const APPS: readonly {
  readonly name: JupyterApp["name"];
  readonly commands: readonly (readonly string[])[];
}[] = [
  { name: "JupyterLab", commands: [["jupyter-lab"], ["jupyter", "lab"], ["python3", "-m", "jupyterlab"]] },
  {
    name: "Notebook",
    commands: [["jupyter-notebook"], ["jupyter", "notebook"], ["python3", "-m", "notebook"]],
  },
];

/** The first that answers: JupyterLab, else Notebook; `undefined` when there is none. */
export function findJupyter(): JupyterApp | undefined {
  for (const { name, commands } of APPS) {
    for (const command of commands) {
      const [program, ...args] = command;
      const asked = spawnSync(program!, [...args, "--version"], {
        encoding: "utf8",
        timeout: 20000,
        windowsHide: true,
      });
      const version = asked.status === 0 ? /\d+\.\d+\S*/.exec(asked.stdout)?.[0] : undefined;
      if (version) return { name, command, version };
    }
  }
  return undefined;
}

/** The environment in which a Jupyter finds our kernel. */
export function jupyterEnvironment(): NodeJS.ProcessEnv {
  const before = process.env["JUPYTER_PATH"];
  const ours = path.resolve(KERNEL_PATH);
  return { ...process.env, JUPYTER_PATH: before ? `${ours}${path.delimiter}${before}` : ours };
}

/** Runs a Jupyter in the foreground until it ends; resolves with its exit code. */
export function openJupyter(app: JupyterApp, args: readonly string[]): Promise<number> {
  const [program, ...own] = app.command;
  const child = spawn(program!, [...own, ...args], { stdio: "inherit", env: jupyterEnvironment() });
  // Ctrl-C goes to Jupyter, which asks whether it is meant; this process waits for the answer.
  const ignore = (): void => undefined;
  process.on("SIGINT", ignore);
  const pass = (): void => void child.kill("SIGTERM");
  process.on("SIGTERM", pass);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      process.removeListener("SIGINT", ignore);
      process.removeListener("SIGTERM", pass);
      resolve(code ?? 1);
    });
  });
}
