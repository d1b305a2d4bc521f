/** The installed parts of Jupyter, LaTeX and the rest on this machine, and the use of each missing one. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { startKernelClient } from "./client.js";
import { findJupyter } from "./jupyter.js";
import { installedHere } from "./kernelspec.js";

/** A program's version, or `null` when it is not there. */
export function versionOf(program: string, args: readonly string[] = ["--version"]): Promise<string | null> {
  return new Promise((resolve) => {
    // npm and others are batch files on Windows, which only a shell starts; the arguments are fixed words.
    const shell = process.platform === "win32";
    execFile(program, [...args], { timeout: 20000, windowsHide: true, shell }, (error, stdout, stderr) => {
      resolve(error ? null : (/\d+(\.\d+)+[\w.-]*/.exec(`${stdout}\n${stderr}`)?.[0] ?? "unknown"));
    });
  });
}

/** The kernel, proved by a cell. */
export interface KernelHealth {
  readonly works: boolean;
  readonly reason?: string;
  /** Whether `aisle kernel install` has registered it for this user. */
  readonly registered: boolean;
}

/** Starts the kernel and lets it add two numbers. */
export async function checkKernel(): Promise<KernelHealth> {
  const registered = installedHere();
  try {
    const kernel = await startKernelClient();
    try {
      let shown: unknown;
      await kernel.execute("const sum: number = 1 + 1; sum", (type, content) => {
        if (type === "execute_result") shown = (content["data"] as Record<string, unknown>)["text/plain"];
      });
      return shown === "2"
        ? { works: true, registered }
        : { works: false, reason: "it cannot add", registered };
    } finally {
      await kernel.shutdown();
    }
  } catch (error) {
    return { works: false, reason: (error as Error).message, registered };
  }
}

/** The installed Jupyter in words, or `null`. */
export function jupyterVersion(): string | null {
  const app = findJupyter();
  return app ? `${app.name} ${app.version}` : null;
}

/** Folders of models (a Hugging Face `config.json` with weights) below `root`, three levels deep. */
export function modelFolders(root: string): string[] {
  const found: string[] = [];
  const look = (folder: string, depth: number): void => {
    if (!existsSync(folder)) return;
    const entries = readdirSync(folder, { withFileTypes: true });
    const names = entries.map((entry) => entry.name);
    if (names.includes("config.json") && names.some((name) => name.endsWith(".safetensors"))) {
      found.push(folder.split(path.sep).join("/"));
      return;
    }
    if (depth > 0)
      for (const entry of entries) if (entry.isDirectory()) look(path.join(folder, entry.name), depth - 1);
  };
  look(root, 3);
  return found.sort();
}
