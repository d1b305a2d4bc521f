/** Telling Jupyter where our kernel is. https://jupyter-client.readthedocs.io/en/stable/kernels.html */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { readJson, writeJson } from "../base/index.js";

/** The folder that JUPYTER_PATH names so that a Jupyter finds our kernel without any installation. */
export const KERNEL_PATH = path.join("lib", "notebook");

/** The kernel's name, in notebooks too. Not "tslab": that may be installed for other work, and ours starts in this folder. */
export const KERNEL_NAME = "aisle";

/** Where this system's Jupyters look for what belongs to the user. */
export function userDataFolder(
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
  home = homedir(),
): string {
  if (env["JUPYTER_DATA_DIR"]) return env["JUPYTER_DATA_DIR"];
  if (platform === "darwin") return path.join(home, "Library", "Jupyter");
  if (platform === "win32")
    return path.join(env["APPDATA"] ?? path.join(home, "AppData", "Roaming"), "jupyter");
  return path.join(env["XDG_DATA_HOME"] || path.join(home, ".local", "share"), "jupyter");
}

/**
 * Registers the kernel for the user, with absolute paths: VS Code and every Jupyter then list it.
 * @returns the kernelspec's folder
 * @throws RunError when it cannot be written
 */
export function installKernelspec(dataFolder = userDataFolder()): string {
  const folder = path.join(dataFolder, "kernels", KERNEL_NAME);
  const spec = readJson(
    path.join(KERNEL_PATH, "kernels", KERNEL_NAME, "kernel.json"),
    "kernelspec",
  ) as object;
  writeJson(path.join(folder, "kernel.json"), {
    ...spec,
    argv: [process.execPath, path.resolve(KERNEL_PATH, "launch.cjs"), "{connection_file}"],
  });
  return folder;
}

/** Takes the registration back. `false` when there was none. */
export function uninstallKernelspec(dataFolder = userDataFolder()): boolean {
  const folder = path.join(dataFolder, "kernels", KERNEL_NAME);
  if (!existsSync(folder)) return false;
  rmSync(folder, { recursive: true });
  return true;
}

/** Whether the user's registration is there and leads to this project. */
export function installedHere(dataFolder = userDataFolder()): boolean {
  try {
    const text = readFileSync(path.join(dataFolder, "kernels", KERNEL_NAME, "kernel.json"), "utf8");
    const { argv } = JSON.parse(text) as { argv?: unknown };
    return Array.isArray(argv) && argv[1] === path.resolve(KERNEL_PATH, "launch.cjs");
  } catch {
    return false;
  }
}
