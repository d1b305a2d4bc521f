import { strict as assert } from "node:assert";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { InputError } from "../../../lib/base/index.js";
import { freshAdapter, Policy } from "../../../lib/policy/index.js";
import {
  adapterScale,
  loadAdapted,
  loadModel,
  loadTokenizer,
  saveAdapter,
  saveTokenizer,
  tokenizerFolder,
  trainByteLevelBpe,
} from "../../../lib/model/index.js";
import { useBackend } from "../../../lib/tensor/index.js";
import { fixture } from "../../fixtures/index.js";
import { lora } from "../../policy/small.js";
import { scratch } from "./scratch.js";

const COMMITS = ["0123456789abcdef0123456789abcdef01234567", "f".repeat(40)] as const;

describe("a model by its name (A8)", () => {
  const at = scratch();
  const environment = (): Record<string, string> => ({ HF_HOME: at("home") });
  /** Puts a model into the cache as pulling does: `main` is the fixture, `v2` one with other numbers. */
  const pulled = (name: string, refs: readonly string[] = ["main"]): string => {
    const root = at("home", "hub", `models--${name.replace("/", "--")}`);
    mkdirSync(`${root}/refs`, { recursive: true });
    refs.forEach((ref, i) => {
      const snapshot = `${root}/snapshots/${COMMITS[i]!}`;
      cpSync(fixture(i === 0 ? "gqa-tied" : "bfloat16").folder, snapshot, { recursive: true });
      rmSync(`${snapshot}/adapter`, { recursive: true });
      saveTokenizer(snapshot, trainByteLevelBpe(["red shoes", "shoes"], 280), { maxLength: 64 });
      writeFileSync(`${root}/refs/${ref}`, COMMITS[i]!);
    });
    return `${root}/snapshots/${COMMITS[0]}`;
  };
  const adapterOf = (base: string | null, changes: object = {}, from = "adapter"): string => {
    cpSync(fixture("gqa-tied").adapter, at(from), { recursive: true });
    const path = at(from, "adapter_config.json");
    const config = JSON.parse(readFileSync(path, "utf8")) as object;
    writeFileSync(path, JSON.stringify({ ...config, base_model_name_or_path: base, ...changes }));
    return at(from);
  };
  const refused = (name: string, message: RegExp): void =>
    assert.throws(
      () => loadAdapted(name, environment()),
      (error: unknown) => {
        assert.ok(error instanceof InputError, String(error));
        assert.match(error.message, message);
        return true;
      },
    );

  it("an adapter finds its base in the cache, and the base's tokenizer with it", async () => {
    const snapshot = pulled("acme/tiny");
    const folder = adapterOf("acme/tiny");
    const opened = loadAdapted(folder, environment());
    assert.deepEqual([opened.folder, opened.base, opened.tokenizer], [folder, snapshot, snapshot]);
    assert.equal(adapterScale(opened.adapter!.config), 2.5);
    assert.equal(tokenizerFolder(folder, environment()), snapshot);
    assert.ok((await loadTokenizer(opened.tokenizer)).size > 256);
    // A tokenizer of its own goes first.
    saveTokenizer(folder, trainByteLevelBpe(["blue"], 270), { maxLength: 64 });
    assert.equal(loadAdapted(folder, environment()).tokenizer, folder);
    assert.equal(tokenizerFolder(folder, environment()), folder);
  });

  it("so does an adapter that was pulled itself, and a pulled model is opened by its name", () => {
    const snapshot = pulled("acme/tiny");
    const root = at("home", "hub", "models--acme--lora");
    adapterOf("acme/tiny", {}, `home/hub/models--acme--lora/snapshots/${COMMITS[1]}`);
    mkdirSync(`${root}/refs`);
    writeFileSync(`${root}/refs/main`, COMMITS[1]);
    const opened = loadAdapted("acme/lora", environment());
    assert.deepEqual([opened.folder, opened.base], [`${root}/snapshots/${COMMITS[1]}`, snapshot]);
    assert.equal(loadAdapted("acme/tiny", environment()).folder, snapshot);
    assert.equal(loadAdapted("acme/tiny", environment()).adapter, undefined);
  });

  it("the base is taken in the revision that the adapter names", () => {
    const main = pulled("acme/tiny", ["main", "v2"]);
    const base = (revision: unknown): string | undefined =>
      loadAdapted(adapterOf("acme/tiny", { revision, target_modules: ["q_proj"] }), environment()).base;
    refused(adapterOf("acme/tiny", { revision: "v2" }), /acme--tiny|config\.json|lacks|asks for/);
    for (const revision of [null, undefined, "", "main", COMMITS[0]])
      assert.throws(() => base(revision), /no place for/, String(revision)); // found, and then held to its weights
    assert.equal(loadAdapted(adapterOf("acme/tiny", { revision: COMMITS[0] }), environment()).base, main);
    refused(adapterOf("acme/tiny", { revision: "v3" }), /aisle model pull acme\/tiny --revision v3/);
    refused(adapterOf("acme/tiny", { revision: 3 }), /"revision" must be/);
  });

  it("what is not there is said with what to do", () => {
    pulled("acme/tiny");
    refused(
      adapterOf("acme/other"),
      /base model acme\/other, which is neither.*run "aisle model pull acme\/other"/,
    );
    refused(adapterOf("/nowhere/at/all"), /no such folder: set "base_model_name_or_path"/);
    refused(adapterOf("acme/../tiny"), /no such folder/);
    refused(adapterOf(null), /names no base model/);
    refused("acme/other", /run "aisle model pull acme\/other"/);
    refused(adapterOf("acme/tiny", { revision: "../../x" }), /no such folder|revision/);
  });

  it("an adapter that a run saved over a pulled base is opened again, with the same numbers", async () => {
    await useBackend("wasm");
    const snapshot = pulled("acme/tiny");
    const { config } = loadModel(snapshot);
    saveAdapter(at("run"), freshAdapter(config, lora, 3), "acme/tiny");
    const { model, adapter } = loadAdapted(at("run"), environment());
    const scores = async (options: object, of = model): Promise<unknown> => {
      const policy = await Policy.create(of, { train: "nothing", ...options });
      const result = await policy.logProbs([{ promptIds: [1, 2], responseIds: [3] }]);
      await policy.dispose();
      return result;
    };
    assert.deepEqual(await scores({ adapter }), await scores({}, loadModel(fixture("gqa-tied").folder)));
  });
});
