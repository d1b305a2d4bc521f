import { strict as assert } from "node:assert";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { InputError } from "../../../lib/base/index.js";
import {
  adapterParameterName,
  adapterScale,
  adapterShapes,
  loadAdapter,
  loadModel,
  readAdapterConfig,
  SafetensorsFile,
  saveAdapter,
  writeSafetensors,
  type AdapterFiles,
  type Weight,
} from "../../../lib/model/index.js";
import { Policy } from "../../../lib/policy/index.js";
import { useBackend } from "../../../lib/tensor/index.js";
import { fixture } from "../../fixtures/index.js";
import { distance } from "../../policy/small.js";
import { scratch } from "./scratch.js";

/** What PEFT made of a configuration: see test/fixtures/make_peft_variants.py. */
interface Variant {
  readonly changes: Record<string, unknown>;
  readonly absent?: readonly string[];
  readonly refused?: string;
  readonly layers: Record<string, [rank: number, scale: number]>;
  /** Of every eighth. */
  readonly logp?: number[];
}

const variants = JSON.parse(
  gunzipSync(readFileSync(join("test", "fixtures", "peft", "variants.json.gz"))).toString("utf8"),
) as Variant[];

describe("adapter_config.json is read as PEFT reads it", () => {
  const at = scratch();
  const { folder: base, adapter } = fixture("gqa-tied");
  const model = loadModel(base);
  const own = JSON.parse(readFileSync(join(adapter, "adapter_config.json"), "utf8")) as object;
  const factors = new SafetensorsFile(join(adapter, "adapter_model.safetensors"));

  const configured = (changes: object, absent: readonly string[] = []): string => {
    mkdirSync(at("a"), { recursive: true });
    const entries = Object.entries({ ...own, ...changes }).filter(([key]) => !absent.includes(key));
    writeFileSync(at("a", "adapter_config.json"), JSON.stringify(Object.fromEntries(entries)));
    return at("a");
  };
  /** The fixture's factors, cut to the ranks that the configuration asks for. */
  const cut = (folder: string): void => {
    const tensors = new Map<string, Weight>();
    for (const [path, { a, b }] of adapterShapes(model.config, readAdapterConfig(folder, model.config))) {
      const [rank, width] = a;
      const of = (which: "A" | "B"): { shape: readonly number[]; data: Float32Array } =>
        factors.read(adapterParameterName(path, which)) as { shape: number[]; data: Float32Array };
      const [wholeA, wholeB] = [of("A"), of("B")];
      const columns = wholeB.shape[1]!;
      const named = (which: "A" | "B", shape: readonly number[], data: Float32Array): unknown =>
        tensors.set(adapterParameterName(path, which), { shape, data: () => data });
      named("A", a, wholeA.data.slice(0, rank * width));
      named(
        "B",
        b,
        wholeB.data.filter((_, i) => i % columns < rank),
      );
    }
    writeSafetensors(join(folder, "adapter_model.safetensors"), tensors);
  };
  const refused = (action: () => unknown, message: RegExp): void =>
    assert.throws(action, (error: unknown) => {
      assert.ok(error instanceof InputError, String(error));
      assert.match(error.message, message);
      return true;
    });
  before(() => useBackend("wasm"));

  it("layers, ranks, scales and log-probabilities are PEFT's, and what PEFT refuses is refused (A5, A13)", async () => {
    const promptIds = [1];
    const responseIds = [2, 3, 4, 5, 6, 7, 8];
    let loaded = 0;
    for (const { changes, absent, refused: error, layers, logp } of variants) {
      const folder = configured(changes, absent);
      const what = `${JSON.stringify(changes)} without ${absent?.join() ?? "nothing"}`;
      if (error !== undefined) {
        copyFileSync(join(adapter, "adapter_model.safetensors"), at("a", "adapter_model.safetensors"));
        const attempt = (): unknown => loadAdapter(folder, model.config);
        assert.throws(attempt, InputError, what);
        continue;
      }
      cut(folder);
      const given = loadAdapter(folder, model.config);
      const read = (files: AdapterFiles): unknown =>
        Object.fromEntries(
          [...files.factors].map(([path, { a }]) => [path, [a.shape[0], adapterScale(files.config, path)]]),
        );
      assert.deepEqual(read(given), layers, what);
      loaded++;
      if (!logp) continue; // of some also the numbers, and that they are the same when we have written them
      saveAdapter(at("copy"), given);
      const copy = loadAdapter(at("copy"), model.config);
      assert.deepEqual(read(copy), layers, what);
      const policy = await Policy.create(model, { adapter: copy, train: "nothing" });
      const [scores] = await policy.logProbs([{ promptIds, responseIds }]);
      await policy.dispose();
      assert.ok(distance(scores!.logProbs, logp) < 1e-4, `${what}: ${distance(scores!.logProbs, logp)}`);
    }
    assert.ok(loaded > 150, `${loaded}`);
  });

  describe("is refused by name where the loaded numbers would be others (A5)", () => {
    for (const init of ["pissa", "pissa_niter_16", "olora", "OLoRA", "corda", "loftq", "lora_ga"]) {
      it(`"init_lora_weights": "${init}"`, () =>
        refused(
          () => loadAdapter(configured({ init_lora_weights: init }), model.config),
          new RegExp(`"init_lora_weights" is "${init}", which changed the base`),
        ));
    }
    const cases: [Record<string, unknown>, RegExp][] = [
      [{ init_lora_weights: "EVA" }, /"EVA", which is not known/],
      [{ use_dora: true }, /"use_dora"/],
      [{ lora_bias: true }, /"lora_bias"/],
      [{ bias: "lora_only" }, /"bias": "lora_only"/],
      [{ use_qalora: true }, /"use_qalora"/],
      [{ modules_to_save: ["embed_tokens"] }, /"modules_to_save"/],
      [{ trainable_token_indices: [3] }, /"trainable_token_indices"/],
      [{ trainable_token_indices: { embed_tokens: [1] } }, /"trainable_token_indices"/],
      [{ target_parameters: ["mlp.experts"] }, /"target_parameters"/],
      [{ layer_replication: [[0, 2]] }, /"layer_replication"/],
      [{ alora_invocation_tokens: [5] }, /"alora_invocation_tokens"/],
      // On as soon as it is there: PEFT 0.21 fills in the rest.
      [{ kasa_config: {} }, /"kasa_config"/],
      [{ arrow_config: {} }, /"arrow_config"/],
      [{ monteclora_config: { num_samples: 4 } }, /"monteclora_config"/],
      [{ velora_config: {} }, /"velora_config"/],
      [{ use_bdlora: { nblocks: 2 } }, /"use_bdlora"/],
      [{ megatron_config: { a: 1 } }, /"megatron_config"/],
      [{ use_something_new: true }, /"use_something_new"/],
      [{ task_type: "SEQ_CLS" }, /"SEQ_CLS"/],
      [{ peft_type: "ADALORA" }, /"ADALORA"/],
      [{ use_rslora: "yes" }, /"use_rslora"/],
      [{ r: "4" }, /"r"/],
      [{ rank_pattern: { q_proj: 0 } }, /"rank_pattern/],
      [{ target_modules: ".*\\Aq_proj" }, /pattern "\.\*\\Aq_proj" in "target_modules" cannot be read/],
      [{ exclude_modules: "(?P<a>q_proj)" }, /"exclude_modules" cannot be read/],
      [{ alpha_pattern: { "q_proj)|(k_proj": 3 } }, /"alpha_pattern" cannot be read/],
      [{ target_modules: ["q_proj", "lm_head"] }, /names lm_head/],
    ];
    for (const [changes, message] of cases) {
      it(JSON.stringify(changes), () =>
        refused(() => loadAdapter(configured(changes), model.config), message),
      );
    }
  });
});
