import { strict as assert } from "node:assert";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../../lib/base/index.js";
import {
  adapterParameterName,
  adapterScale,
  loadAdapter,
  loadModel,
  SafetensorsFile,
  saveAdapter,
  writeSafetensors,
} from "../../../lib/model/index.js";
import { fixture, fixtureNames } from "../../fixtures/index.js";
import { scratch } from "./scratch.js";

describe("an adapter folder", () => {
  const at = scratch();
  const { config: model } = loadModel(fixture("gqa-tied").folder);

  for (const name of fixtureNames) {
    it(`${name}: PEFT's adapter is read, and a saved copy holds the same`, () => {
      const reference = fixture(name);
      const shape = loadModel(reference.folder).config;
      const adapter = loadAdapter(reference.adapter, shape);
      saveAdapter(at("copy"), adapter);
      const copy = loadAdapter(at("copy"), shape);
      assert.deepEqual(copy.config, adapter.config);
      const original = new SafetensorsFile(join(reference.adapter, "adapter_model.safetensors"));
      assert.equal(original.tensors.size, 2 * adapter.factors.size);
      for (const [path, { a, b }] of copy.factors) {
        assert.deepEqual(original.read(adapterParameterName(path, "A")), { shape: a.shape, data: a.data() });
        assert.deepEqual(original.read(adapterParameterName(path, "B")), { shape: b.shape, data: b.data() });
      }
    });
  }

  it("knows its scale", () => {
    const { config } = loadAdapter(fixture("gqa-tied").adapter, model);
    assert.equal(adapterScale(config), 2.5);
    assert.equal(adapterScale({ ...config, rankStabilised: true }), 5);
    assert.deepEqual(
      loadAdapter(fixture("wide-head").adapter, loadModel(fixture("wide-head").folder).config).config.targets,
      ["q_proj", "v_proj"],
    );
  });

  describe("is refused", () => {
    const changed = (changes: Record<string, unknown>): string => {
      cpSync(fixture("gqa-tied").adapter, at("a"), { recursive: true });
      const path = at("a", "adapter_config.json");
      writeFileSync(
        path,
        JSON.stringify({ ...(JSON.parse(readFileSync(path, "utf8")) as object), ...changes }),
      );
      return at("a");
    };
    const refusals: [string, Record<string, unknown>, RegExp][] = [
      ["of another kind", { peft_type: "IA3" }, /"IA3"/],
      ["with DoRA", { use_dora: true }, /"use_dora"/],
      ["with trained biases", { bias: "all" }, /biases/],
      ["with saved modules", { modules_to_save: ["lm_head"] }, /"modules_to_save"/],
      ["with other ranks than its weights", { rank_pattern: { q_proj: 2 } }, /is \[4, 32\].*\[2, 32\]/],
      [
        "on a layer that is not linear",
        { target_modules: ["q_proj", "embed_tokens"] },
        /model\.embed_tokens/,
      ],
      ["on no layer", { target_modules: [] }, /no layer/],
      ["without rank", { r: null }, /"r"/],
      ["of another rank than its weights", { r: 5 }, /\[4, 32\].*\[5, 32\]/],
      ["that adapts less than its weights", { target_modules: ["q_proj"] }, /no place for/],
    ];
    for (const [what, changes, message] of refusals) {
      it(what, () => {
        assert.throws(
          () => loadAdapter(changed(changes), model),
          (error: unknown) => {
            assert.ok(error instanceof InputError, String(error));
            assert.match(error.message, message);
            return true;
          },
        );
      });
    }
    it("when a file or a factor is missing", () => {
      const folder = changed({});
      const path = join(folder, "adapter_model.safetensors");
      const file = new SafetensorsFile(path);
      const tensors = new Map([...file.tensors.keys()].map((name) => [name, file.read(name)]));
      const name = adapterParameterName("model.layers.1.mlp.down_proj", "B");
      tensors.delete(name);
      writeSafetensors(path, tensors);
      assert.throws(
        () => loadAdapter(folder, model),
        /lacks "base_model\.model\.model\.layers\.1\.mlp\.down_proj\.lora_B/,
      );
      rmSync(path);
      assert.throws(() => loadAdapter(folder, model), /has no adapter_model\.safetensors/);
      rmSync(join(folder, "adapter_config.json"));
      assert.throws(() => loadAdapter(folder, model), /has no adapter_config\.json/);
    });
    it("when it was made for another model", () => {
      const other = loadModel(fixture("mha-untied").folder).config;
      assert.throws(() => loadAdapter(fixture("gqa-tied").adapter, other), InputError);
    });
  });
});
