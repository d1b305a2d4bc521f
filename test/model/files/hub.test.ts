import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { InputError, RunError } from "../../../lib/base/index.js";
import {
  describeModel,
  findModel,
  hubCache,
  initModel,
  loadModel,
  pullModel,
  saveModel,
  saveTokenizer,
  trainByteLevelBpe,
  type PulledModel,
  type PullProgress,
} from "../../../lib/model/index.js";
import { aisle } from "../../cli/run.js";
import { fixture } from "../../fixtures/index.js";
import { HubServer } from "./hub-server.js";
import { scratch } from "./scratch.js";

const TOKEN = "hf_secretSECRETsecret";

describe("pulling a model", () => {
  const at = scratch();
  const hub = new HubServer();
  let files: Map<string, Buffer>;

  before(() => hub.start());
  after(() => hub.stop());
  beforeEach(() => {
    // A model large enough to be cut in the middle.
    const config = { ...loadModel(fixture("gqa-tied").folder).config, vocabSize: 3000 };
    saveModel(at("source"), initModel(config, 1));
    saveTokenizer(at("source"), trainByteLevelBpe(["shoes shoes shoes"], 300), { maxLength: 256 });
    files = new Map(readdirSync(at("source")).map((name) => [name, readFileSync(at("source", name))]));
    files.set("README.md", Buffer.from("# A model\n"));
    files.set("NOTICE", Buffer.alloc(0));
    files.set("pytorch_model.bin", Buffer.alloc(1000));
    hub.repos.clear();
    hub.repos.set("shop/tiny", { files });
    hub.repos.set("shop/private", { files, token: TOKEN });
    hub.seen.length = hub.cuts.length = hub.failures.length = 0;
    hub.ranges = true;
    hub.damaged = false;
    hub.hold = undefined;
  });

  const environment = (more: Record<string, string> = {}): Record<string, string> => ({
    HF_ENDPOINT: `${hub.url}/`,
    HF_HOME: at("home"),
    ...more,
  });
  const pull = (
    name = "shop/tiny",
    more: Record<string, string> = {},
    onProgress?: (p: PullProgress) => void,
  ): Promise<PulledModel> =>
    pullModel(name, { environment: environment(more), retryMs: 1, ...(onProgress ? { onProgress } : {}) });
  const weights = (): number => files.get("model.safetensors")!.length;
  const resolved = (): string[] =>
    hub.seen.filter(({ path }) => path.includes("/resolve/")).map(({ path }) => path);

  it("fills the cache as Hugging Face's tools do, and the model loads from there", async () => {
    const steps: PullProgress[] = [];
    const pulled = await pull("shop/tiny", {}, (step) => steps.push(step));
    const root = at("home", "hub", "models--shop--tiny");
    assert.equal(pulled.folder, join(root, "snapshots", hub.commit));
    assert.equal(readFileSync(join(root, "refs", "main"), "utf8"), hub.commit);
    assert.deepEqual(
      readdirSync(pulled.folder).sort(),
      [...files.keys()].filter((name) => name !== "pytorch_model.bin").sort(),
    );
    const link = join(pulled.folder, "model.safetensors");
    if (lstatSync(link).isSymbolicLink()) {
      assert.match(readlinkSync(link).replaceAll("\\", "/"), /^\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/);
    }
    assert.equal(readdirSync(join(root, "blobs")).filter((name) => name.endsWith(".incomplete")).length, 0);
    assert.equal((await describeModel(pulled.folder)).tokenizer?.chatTemplate, true);
    assert.equal(findModel("shop/tiny", "main", environment()), pulled.folder);
    const total = steps.at(-1)!;
    assert.equal(total.done, total.total);
    assert.equal(pulled.fetched, total.total);
    assert.ok(steps.every(({ done }, i) => i === 0 || done >= steps[i - 1]!.done));
  });

  it("fetches nothing twice", async () => {
    await pull();
    hub.seen.length = 0;
    const again = await pull();
    assert.equal(again.fetched, 0);
    assert.deepEqual(resolved(), []);
    const other = await pullModel("shop/tiny", { environment: environment(), revision: "v1" });
    assert.deepEqual([other.fetched, other.folder], [0, again.folder]);
    assert.equal(findModel("shop/tiny", "v1", environment()), again.folder);
  });

  it("goes on after a cut connection, at once, without fetching anything again", async () => {
    hub.cuts.push(150_000, 90_000);
    const { fetched } = await pull();
    assert.deepEqual(
      hub.seen.filter(({ path }) => path.includes("/storage/")).map(({ range }) => range),
      [undefined, `bytes=150000-${weights() - 1}`, `bytes=240000-${weights() - 1}`],
    );
    const total = [...files].reduce(
      (sum, [name, { length }]) => sum + (name === "pytorch_model.bin" ? 0 : length),
      0,
    );
    assert.equal(fetched, total);
  });

  it("goes on in a later run after a connection that stayed away", async () => {
    hub.cuts.push(150_000);
    const stay = pullModel("shop/tiny", {
      environment: environment(),
      retryMs: 1,
      onRetry: () => hub.failures.push(503),
    });
    await assert.rejects(
      stay,
      (error: unknown) => error instanceof RunError && /status 503/.test(error.message),
    );
    const blobs = at("home", "hub", "models--shop--tiny", "blobs");
    const part = readdirSync(blobs).find((name) => name.endsWith(".incomplete"))!;
    assert.equal(statSync(join(blobs, part)).size, 150_000);
    assert.throws(() => findModel("shop/tiny", "main", environment()), /aisle model pull shop\/tiny/);
    hub.failures.length = hub.seen.length = 0;
    await pull();
    assert.deepEqual(
      hub.seen.filter(({ path }) => path.includes("/storage/")).map(({ range }) => range),
      [`bytes=150000-${weights() - 1}`],
    );
  });

  it("starts over where the server cannot go on in the middle", async () => {
    hub.ranges = false;
    hub.cuts.push(150_000);
    const { folder } = await pull();
    assert.deepEqual(readFileSync(join(folder, "model.safetensors")), files.get("model.safetensors"));
  });

  it("goes on after the process was killed in the middle", async () => {
    hub.cuts.push(150_000);
    const run = (): ReturnType<typeof spawn> =>
      spawn(process.execPath, ["lib/aisle.mjs", "model", "pull", "shop/tiny", "--json"], {
        env: { ...process.env, ...environment() },
        stdio: ["ignore", "pipe", "pipe"],
      });
    const child = run();
    hub.hold = async () => {
      // The bytes are sent; wait until they are on disk, then kill.
      const blobs = at("home", "hub", "models--shop--tiny", "blobs");
      for (let i = 0; i < 400; i++) {
        const part = existsSync(blobs)
          ? readdirSync(blobs).find((name) => name.endsWith(".incomplete"))
          : undefined;
        if (part !== undefined && statSync(join(blobs, part)).size >= 150_000) break;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      child.kill("SIGKILL");
    };
    await new Promise((resolve) => child.on("close", resolve));
    hub.hold = undefined;
    hub.seen.length = 0;
    const second = run();
    let output = "";
    second.stdout!.on("data", (data: Buffer) => (output += data.toString()));
    assert.equal(await new Promise((resolve) => second.on("close", resolve)), 0);
    const pulled = JSON.parse(output) as PulledModel;
    assert.deepEqual(readFileSync(join(pulled.folder, "model.safetensors")), files.get("model.safetensors"));
    assert.equal(
      hub.seen.find(({ path }) => path.includes("/storage/"))?.range,
      `bytes=150000-${weights() - 1}`,
    );
  }).timeout(60000);

  it("stops when told to, and goes on from there", async () => {
    hub.cuts.push(150_000);
    const stop = new AbortController();
    hub.hold = () => new Promise(() => undefined); // a connection that stays open and silent
    const onProgress = ({ file, done }: PullProgress): void => {
      if (file === "model.safetensors" && done >= 150_000) stop.abort();
    };
    const pulling = pullModel("shop/tiny", { environment: environment(), onProgress, signal: stop.signal });
    await assert.rejects(
      pulling,
      (error: unknown) => error instanceof RunError && /^Stopped/.test(error.message),
    );
    hub.seen.length = 0;
    await pull();
    assert.equal(
      hub.seen.find(({ path }) => path.includes("/storage/"))?.range,
      `bytes=150000-${weights() - 1}`,
    );
  });

  it("deletes what arrived damaged", async () => {
    hub.damaged = true;
    await assert.rejects(
      pull(),
      (error: unknown) => error instanceof RunError && /arrived damaged/.test(error.message),
    );
    hub.damaged = false;
    assert.equal(existsSync((await pull()).folder), true);
  });

  it("sends the token to the hub and to nobody else", async () => {
    await pull("shop/private", { HF_TOKEN: TOKEN });
    for (const { path, authorization } of hub.seen) {
      assert.equal(authorization, path.includes("/storage/") ? undefined : `Bearer ${TOKEN}`, path);
    }
  });

  describe("refuses in one sentence", () => {
    const refused = async (
      pulling: Promise<unknown>,
      kind: typeof InputError | typeof RunError,
      message: RegExp,
    ): Promise<void> => {
      await assert.rejects(pulling, (error: unknown) => {
        assert.ok(error instanceof kind, String(error));
        assert.match(error.message, message);
        assert.ok(!error.message.includes("\n") && !error.message.includes(TOKEN));
        return true;
      });
      assert.equal(existsSync(at("home")), false); // nothing was made
    };
    it("a name or a revision that cannot be", async () => {
      for (const name of ["../x", "a/b/c", "", "a//b", "-x", "https://huggingface.co/x/y", "a/.."]) {
        await refused(pull(name), InputError, /is not a model on the hub/);
      }
      for (const revision of ["../x", "", "a b", "/main"]) {
        await refused(
          pullModel("shop/tiny", { environment: environment(), revision }),
          InputError,
          /not a revision/,
        );
      }
      assert.equal(hub.seen.length, 0);
    });
    it("a model that does not exist, is private or gated, a token that is wrong, a revision that is unknown", async () => {
      await refused(pull("shop/none"), InputError, /does not show shop\/none.*HF_TOKEN must be set/);
      await refused(pull("shop/private"), InputError, /HF_TOKEN must be set/);
      await refused(pull("shop/private", { HF_TOKEN: `${TOKEN}2` }), InputError, /does not accept the token/);
      await refused(pull("shop/tiny", { HF_TOKEN: "secret" }), InputError, /malformed/);
      hub.repos.set("shop/gated", { files, status: 403 });
      await refused(pull("shop/gated"), InputError, /accept its terms at .*\/shop\/gated/);
      hub.repos.set("shop/gone", { files, status: 404 });
      await refused(pull("shop/gone"), InputError, /knows no model shop\/gone/);
      await refused(
        pullModel("shop/tiny", { environment: environment(), revision: "v9" }),
        InputError,
        /knows no model shop\/tiny at v9/,
      );
    });
    it("a repository that is no model, or has no safetensors", async () => {
      hub.repos.set("shop/data", { files: new Map([["data.csv", Buffer.from("a")]]) });
      await refused(pull("shop/data"), InputError, /has no config\.json/);
      files.delete("model.safetensors");
      await refused(pull(), InputError, /no weights in safetensors/);
    });
    it("a hub that is not there, in trouble, or no address", async () => {
      await refused(
        pull("shop/tiny", { HF_ENDPOINT: "http://127.0.0.1:1" }),
        RunError,
        /Could not reach the hub at http:\/\/127\.0\.0\.1:1/,
      );
      await refused(
        pull("shop/tiny", { HF_ENDPOINT: "ftp://x" }),
        InputError,
        /HF_ENDPOINT must be an address/,
      );
      await refused(pull("shop/tiny", { HF_HUB_OFFLINE: "1" }), RunError, /HF_HUB_OFFLINE is set/);
      hub.repos.set("shop/broken", { files, status: 500 });
      await refused(pull("shop/broken"), RunError, /status 500/);
      assert.ok(hub.seen.length > 0);
    });
  });

  it("serves what is there when the hub cannot be reached", async () => {
    const { folder } = await pull();
    const offline = await pull("shop/tiny", { HF_ENDPOINT: "http://127.0.0.1:1" });
    assert.deepEqual([offline.folder, offline.offline], [folder, true]);
    assert.equal((await pull("shop/tiny", { HF_HUB_OFFLINE: "true" })).folder, folder);
    hub.repos.delete("shop/tiny");
    await assert.rejects(pull(), InputError); // the hub's word, not a lost connection
  });

  it("never lets the server choose a path", async () => {
    files.set("../../evil.json", Buffer.from("{}"));
    files.set("sub/config.json", Buffer.from("{}"));
    const { folder } = await pull();
    assert.ok(!readdirSync(folder).includes("sub"));
    assert.ok(!existsSync(at("home", "hub", "evil.json")));
  });

  it("finds folders and pulled models by name", () => {
    assert.equal(findModel(at("source")), at("source"));
    assert.throws(() => findModel("shop/other", "main", environment()), /aisle model pull shop\/other/);
    assert.throws(() => findModel(at("none")), /There is no model folder/);
    writeFileSync(at("file"), "");
    assert.equal(hubCache({ HF_HUB_CACHE: "a", HF_HOME: "b" }), "a");
    assert.equal(hubCache({ HF_HOME: "b" }), join("b", "hub"));
    assert.equal(hubCache({ XDG_CACHE_HOME: "c" }), join("c", "huggingface", "hub"));
  });
});

describe("aisle model", () => {
  const at = scratch();
  const run = async (...args: string[]): Promise<{ code: number | null; out: string; err: string }> => {
    const environment = { HF_TOKEN: TOKEN, HF_HOME: at("home"), HF_ENDPOINT: "http://127.0.0.1:1" };
    const { code, stdout: out, stderr: err } = await aisle(["model", ...args], environment);
    assert.ok(!out.includes(TOKEN) && !err.includes(TOKEN));
    return { code, out, err };
  };

  it("info prints one JSON object, or a table", async () => {
    const [json, table] = await Promise.all([
      run("info", fixture("sharded").folder, "--json"),
      run("info", fixture("bfloat16").folder),
    ]);
    const description = JSON.parse(json.out) as { parameters: number; tokenizer: unknown };
    assert.deepEqual([json.code, description.parameters, description.tokenizer], [0, 9040, null]);
    assert.match(table.out, /Qwen2ForCausalLM[^]*16\.8 kB stored as BF16[^]*64 tokens/);
  }).timeout(60000);

  it("refuses with exit code 2 and fails with 1, in one sentence on stderr", async () => {
    const cases = [
      [["info", at("none"), "--json"], 2, /no model folder/],
      [["pull", "a/b/c", "--json"], 2, /not a model on the hub/],
      [["pull", "shop/tiny", "--json"], 1, /Could not reach the hub/],
    ] as const;
    const results = await Promise.all(cases.map(([args]) => run(...args)));
    results.forEach(({ code, out, err }, i) => {
      assert.deepEqual([code, out], [cases[i]![1], ""], err);
      assert.match(err, cases[i]![2]);
      assert.equal(err.trim().split("\n").length, 1, err);
    });
  }).timeout(60000);
});
