import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { readJson, RunError } from "../../base/index.js";

/** The measurements of the proof. */
export interface GpuProof {
  /** Of a float32 product on the GPU, in 10^9 operations a second. */
  readonly gflops: number;
}

/** How to set up. */
export interface GpuOptions {
  /** Go on without an NVIDIA driver. */
  readonly force?: boolean;
  readonly say?: (text: string) => void;
  /** The project. Default: here. */
  readonly root?: string;
  readonly platform?: NodeJS.Platform;
  readonly arch?: string;
}

const PACKAGE = "@tensorflow/tfjs-node-gpu";

/**
 * Installs the pinned {@link PACKAGE} beside the other packages and multiplies two matrices on the GPU.
 * @throws RunError that says what is missing: the system, the driver, the download, or CUDA's libraries. After a failed
 * installation nothing of it is left; when only CUDA's libraries are missing the package stays, whole, and computes on the CPU.
 */
export async function setupGpu(options: GpuOptions = {}): Promise<GpuProof> {
  const { force = false, say = () => undefined, root = process.cwd() } = options;
  const { platform = process.platform, arch = process.arch } = options;
  const version = pinnedVersion(root);
  if (arch !== "x64" || (platform !== "linux" && platform !== "win32")) {
    throw new RunError(
      `${PACKAGE} exists for Linux and Windows on x64, not for ${platform} on ${arch}; AISLE_BACKEND=webgpu uses this machine's GPU.`,
    );
  }
  const driver = await run("nvidia-smi", ["--query-gpu=name,driver_version", "--format=csv,noheader"], root);
  if (driver.code === 0) say(`Found ${driver.output.trim().split("\n")[0]}.`);
  else if (!force) {
    throw new RunError(
      "No NVIDIA driver answers here (nvidia-smi is missing or fails), so the GPU cannot be used; install the driver first, " +
        "or add --force to install the package all the same. Nothing was changed.",
    );
  }
  const folder = path.join(root, "node_modules", PACKAGE);
  if (!existsSync(folder)) {
    say(`Installing ${PACKAGE} ${version}: TensorFlow's library is about 500 MB to download.`);
    await install(root, folder, version);
  }
  return prove(root, say);
}

function pinnedVersion(root: string): string {
  const { peerDependencies } = readJson(path.join(root, "package.json")) as {
    peerDependencies?: Record<string, string>;
  };
  const version = peerDependencies?.[PACKAGE];
  if (!version) throw new RunError(`package.json no longer names a version of ${PACKAGE}.`);
  return version;
}

async function install(root: string, folder: string, version: string): Promise<void> {
  // Named as an optional peer it would be passed over, hence `--save-prod`; `--no-save`: it stays optional.
  const quiet = ["--no-save", "--no-audit", "--no-fund"];
  const added = await run("npm", ["install", ...quiet, "--save-prod", `${PACKAGE}@${version}`], root);
  // No script runs while packages are installed here; this one, which fetches TensorFlow, is asked for by name.
  const fetched =
    added.code === 0 && existsSync(folder)
      ? await run("npm", ["run", "install", "--prefix", folder], root)
      : added;
  if (fetched.code === 0 && hasLibrary(folder)) return;
  rmSync(folder, { recursive: true, force: true });
  await run("npm", ["prune", ...quiet], root); // what had come along
  throw new RunError(
    `${PACKAGE} could not be installed, and nothing of it was left here: ${whyNotInstalled(fetched.output)} ` +
      "TFJS_NODE_BASE_URI may name another place that has TensorFlow's library.",
  );
}

/** Both halves: TensorFlow's library and the addon that calls it. Without them the package is half of itself. */
function hasLibrary(folder: string): boolean {
  return existsSync(path.join(folder, "deps", "lib")) && existsSync(path.join(folder, "lib"));
}

function whyNotInstalled(output: string): string {
  const lines = output.split("\n").map((line) => line.trim());
  if (/ENOSPC/.test(output)) return "the disk is full.";
  if (/E404|ETARGET/.test(output)) return "the package registry does not have this version.";
  const network = lines.find((line) =>
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|status code|socket hang up/.test(line),
  );
  if (network)
    return `the download of TensorFlow's library failed (${network.replace(/^npm (error|ERR!)\s*/i, "").slice(0, 200)}).`;
  const last = lines.filter((line) => line !== "" && !/complete log|_logs/.test(line)).slice(-3);
  return last.length > 0 ? `npm said: ${last.join(" / ").slice(0, 400)}.` : "npm said nothing.";
}

/** Loads the package in a process of its own, where a missing library ends only that. */
async function prove(root: string, say: (text: string) => void): Promise<GpuProof> {
  const { code, output } = await run(process.execPath, ["-e", PROOF], root);
  const line = output.split("\n").find((one) => one.startsWith("PROOF "));
  if (code !== 0 || line === undefined) {
    const why =
      output
        .trim()
        .split("\n")
        .find((one) => /Error/.test(one)) ?? `exit code ${code}`;
    throw new RunError(
      `${PACKAGE} is installed but does not load: ${why.trim().slice(0, 300)}${missingIn(output)}`,
    );
  }
  const { right, gpu, gflops } = JSON.parse(line.slice(6)) as {
    right: boolean;
    gpu: boolean;
    gflops: number;
  };
  if (!right)
    throw new RunError(`${PACKAGE} is installed, but its product of two matrices is wrong; do not use it.`);
  if (!gpu) {
    say(
      `On the CPU it computes rightly (${gflops.toFixed(0)} GFLOPS), and AISLE_BACKEND=tensorflow uses that.`,
    );
    throw new RunError(`${PACKAGE} is installed but finds no GPU it can use${missingIn(output)}`);
  }
  return { gflops };
}

/** The libraries that TensorFlow named as missing, and where they come from. */
function missingIn(output: string): string {
  const names = [
    ...output.matchAll(
      /Could not load dynamic library '([^']+)'|(\S+\.so[.\d]*): cannot open shared object/g,
    ),
  ];
  const libraries = [...new Set(names.map((match) => (match[1] ?? match[2])!.replace(/:$/, "")))];
  const advice =
    "it needs CUDA 11.2 and cuDNN 8.1 (developer.nvidia.com/cuda-11.2.0-download-archive) on the library path.";
  return libraries.length > 0 ? `: ${libraries.join(", ")} missing; ${advice}` : `; ${advice}`;
}

/** Node 23 took `util.isNullOrUndefined`, which tfjs-node 4.22 calls. */
const PROOF = `
const util = require("node:util");
util.isNullOrUndefined ??= (x) => x === null || x === undefined;
const tf = require("${PACKAGE}");
(async () => {
  const n = 1024;
  const [a, b] = [tf.fill([n, n], 0.5), tf.fill([n, n], 2)];
  let best = Infinity, right = true;
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    const product = tf.matMul(a, b);
    const values = await product.data();
    best = Math.min(best, performance.now() - start);
    right = right && values.every((x) => x === n);
    product.dispose();
  }
  const gpu = Boolean(tf.backend().isUsingGpuDevice);
  console.log("PROOF " + JSON.stringify({ right, gpu, gflops: (2 * n ** 3) / best / 1e6 }));
})();
`;

/** A program's exit code and all that it said; `null` when it is not there. */
function run(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    // npm is a batch file on Windows, which only a shell starts; the arguments are fixed words.
    const shell = process.platform === "win32" && program === "npm";
    const child = spawn(program, [...args], {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      shell,
      windowsHide: true,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.once("error", () => resolve({ code: null, output }));
    child.once("close", (code) => resolve({ code, output }));
  });
}
