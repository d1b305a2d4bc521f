/** `aisle setup gpu` with stand-ins for the driver and for npm, as real programs on PATH. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setupGpu } from "../../lib/cli/setup/gpu.js";
import { temporaryFolder } from "../notebook/helpers.js";

const PACKAGE = "node_modules/@tensorflow/tfjs-node-gpu";

describe("setup gpu", () => {
  const base = temporaryFolder();
  const searched = process.env["PATH"];
  let number = 0;
  afterEach(() => (process.env["PATH"] = searched));

  /** A project with programs of its own; the module is what "npm" installs. */
  function project(programs: Record<string, string>): string {
    const root = path.join(base, String(++number));
    const bin = path.join(root, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(
      path.join(root, "package.json"),
      '{"peerDependencies": {"@tensorflow/tfjs-node-gpu": "4.22.0"}}',
    );
    for (const [name, script] of Object.entries(programs)) {
      writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`);
      chmodSync(path.join(bin, name), 0o755);
    }
    process.env["PATH"] = `${bin}${path.delimiter}/usr/bin${path.delimiter}/bin`;
    return root;
  }
  const driver = "echo 'A GPU, 550.1'";
  const options = { platform: "linux", arch: "x64" } as const;
  const installs = (module: string): string =>
    `case "$*" in
  "install --no-save --no-audit --no-fund --save-prod @tensorflow/tfjs-node-gpu@4.22.0") mkdir -p ${PACKAGE}; exit ;;
  "run install --prefix "*) ;;
  *) exit 9 ;;
esac
mkdir -p ${PACKAGE}/deps/lib ${PACKAGE}/lib
cat > ${PACKAGE}/index.js <<'END'
${module}
END`;
  const module = (gpu: boolean, value = 1024): string =>
    `require("node:util").isNullOrUndefined(0);
exports.fill = () => ({});
exports.matMul = () => ({ data: async () => new Float32Array(4).fill(${value}), dispose() {} });
exports.backend = () => ({ isUsingGpuDevice: ${gpu} });`;

  before(function () {
    if (process.platform !== "win32") return;
    process.stdout.write("      (skipped on Windows: the stand-ins are shell scripts)\n");
    this.skip();
  });

  it("installs the pinned version and proves it", async () => {
    const said: string[] = [];
    const root = project({ "nvidia-smi": driver, npm: installs(module(true)) });
    const proof = await setupGpu({ ...options, root, say: (text) => said.push(text) });
    assert.ok(proof.gflops > 0);
    assert.match(said.join("\n"), /Found A GPU, 550\.1/);
  });

  it("changes nothing without a driver", async () => {
    const root = project({ "nvidia-smi": "exit 9", npm: installs(module(true)) });
    await assert.rejects(setupGpu({ ...options, root }), /No NVIDIA driver answers/);
    assert.ok(!existsSync(path.join(root, "node_modules")));
  });

  it("leaves nothing of a failed download, and names the reason", async () => {
    const npm = `[ "$1" = prune ] && touch pruned && exit
mkdir -p ${PACKAGE}/lib; echo "npm error code 1"; echo "npm error Error: getaddrinfo ENOTFOUND storage.example"; exit 1`;
    const root = project({ "nvidia-smi": driver, npm });
    await assert.rejects(
      setupGpu({ ...options, root }),
      /nothing of it was left here: .*getaddrinfo ENOTFOUND/,
    );
    assert.ok(!existsSync(path.join(root, PACKAGE)));
  });

  it("takes an installation without its library for a failed one", async () => {
    const root = project({ "nvidia-smi": driver, npm: `[ "$1" = prune ] || mkdir -p ${PACKAGE}/lib` });
    await assert.rejects(setupGpu({ ...options, root }), /could not be installed/);
    assert.ok(!existsSync(path.join(root, PACKAGE)));
  });

  it("says when there is no npm, no package for the system, no GPU, a wrong product, a missing library", async () => {
    const wanted: [string, RegExp][] = [
      [module(false), /finds no GPU it can use; it needs CUDA 11\.2/],
      [module(true, 3), /is wrong/],
      [
        `throw new Error("libtensorflow.so.2: cannot open shared object file")`,
        /does not load: .*libtensorflow\.so\.2 missing/,
      ],
      [
        `console.error("Could not load dynamic library 'libcudnn.so.8'");\n${module(false)}`,
        /no GPU it can use: libcudnn\.so\.8 missing; it needs CUDA 11\.2 and cuDNN 8\.1/,
      ],
    ];
    for (const [source, message] of wanted) {
      const root = project({ "nvidia-smi": driver, npm: installs(source) });
      await assert.rejects(setupGpu({ ...options, root }), message);
    }
    const root = project({ "nvidia-smi": driver });
    process.env["PATH"] = path.join(root, "bin");
    writeFileSync(path.join(root, "bin", "nvidia-smi"), `#!/bin/sh\n${driver}\n`);
    await assert.rejects(setupGpu({ ...options, root }), /could not be installed/);
    await assert.rejects(
      setupGpu({ root, platform: "darwin", arch: "arm64" }),
      /not for darwin on arm64; AISLE_BACKEND=webgpu/,
    );
  });
});
