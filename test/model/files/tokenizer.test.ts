import { strict as assert } from "node:assert";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { InputError } from "../../../lib/base/index.js";
import {
  loadModel,
  loadTokenizer,
  padRows,
  saveTokenizer,
  trainByteLevelBpe,
  type Tokenizer,
} from "../../../lib/model/index.js";
import { fixture } from "../../fixtures/index.js";
import { scratch } from "./scratch.js";

interface Reference {
  readonly vocab_size: number;
  readonly corpus: readonly string[];
  readonly merges: readonly string[];
  readonly cases: readonly (readonly [string, readonly number[]])[];
}
const reference = JSON.parse(
  readFileSync(join("test", "fixtures", "tokenizer", "reference.json"), "utf8"),
) as Reference;

describe("a tokenizer trained here", () => {
  const at = scratch();
  const trained = trainByteLevelBpe(reference.corpus, reference.vocab_size);
  const load = async (): Promise<Tokenizer> => {
    saveTokenizer(at("t"), trained, { maxLength: 128 });
    return loadTokenizer(at("t"));
  };

  it("has the merges that Hugging Face's trainer finds, whatever the order of the texts", () => {
    assert.deepEqual(trained.model.merges, reference.merges);
    assert.deepEqual(trainByteLevelBpe([...reference.corpus].reverse(), reference.vocab_size), trained);
    assert.deepEqual(
      trainByteLevelBpe([reference.corpus.join("<|endoftext|>")], 300, []).model.merges.length,
      44,
    );
  });

  it("encodes as Hugging Face's tokenizers does", async () => {
    const tokenizer = await load();
    for (const [text, ids] of reference.cases)
      assert.deepEqual(tokenizer.encode(text), ids, JSON.stringify(text));
  });

  it("decodes to the normalised text, and its bytes add up to it", async () => {
    const tokenizer = await load();
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), (text) => {
        const ids = tokenizer.encode(text);
        assert.equal(tokenizer.decode(ids), text.normalize("NFC"));
        const bytes = Buffer.concat(ids.map((id) => tokenizer.bytes(id)));
        assert.equal(bytes.toString("utf8"), text.normalize("NFC"));
      }),
    );
    assert.equal(tokenizer.decode([]), "");
  });

  it("knows its special tokens and writes ChatML", async () => {
    const tokenizer = await load();
    const { size } = tokenizer;
    assert.equal(size, reference.vocab_size);
    assert.deepEqual(
      [...tokenizer.specials],
      [
        ["<|endoftext|>", size - 3],
        ["<|im_start|>", size - 2],
        ["<|im_end|>", size - 1],
      ],
    );
    assert.deepEqual(tokenizer.eosIds, [size - 1]);
    assert.equal(tokenizer.padId, size - 3);
    const messages = [
      { role: "system", content: "You shop." },
      { role: "user", content: "Find shoes" },
    ] as const;
    const text = "<|im_start|>system\nYou shop.<|im_end|>\n<|im_start|>user\nFind shoes<|im_end|>\n";
    assert.equal(tokenizer.chatText(messages, { prompt: false }), text);
    assert.equal(tokenizer.chatText(messages), `${text}<|im_start|>assistant\n`);
    const ids = tokenizer.chat(messages);
    assert.equal(ids[0], size - 2);
    assert.equal(ids.filter((id) => id >= size - 3).length, 5);
    assert.equal(tokenizer.decode(ids), `${text}<|im_start|>assistant\n`);
    assert.equal(
      tokenizer.decode(ids, { skipSpecials: true }),
      "system\nYou shop.\nuser\nFind shoes\nassistant\n",
    );
    assert.equal(Buffer.from(tokenizer.bytes(size - 1)).toString(), "<|im_end|>");
    assert.equal(tokenizer.bytes(size).length, 0);
  });

  it("stops early when nothing is left to merge, and refuses a vocabulary without room", () => {
    assert.equal(trainByteLevelBpe(["aa"], 1000).model.merges.length, 1);
    assert.equal(trainByteLevelBpe([], 1000).model.merges.length, 0);
    assert.throws(() => trainByteLevelBpe(["aa"], 258), /no room/);
    assert.throws(
      () => saveTokenizer(at("t"), trained, { maxLength: 8, eos: "</s>" }),
      /"<\/s>" is not a special/,
    );
  });

  it("takes the template from chat_template.jinja and more ends from generation_config.json", async () => {
    await load();
    writeFileSync(
      at("t", "chat_template.jinja"),
      "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}",
    );
    writeFileSync(at("t", "generation_config.json"), JSON.stringify({ eos_token_id: [399, 397] }));
    const tokenizer = await loadTokenizer(at("t"));
    assert.equal(tokenizer.chatText([{ role: "user", content: "hi" }]), "[user] hi");
    assert.deepEqual(tokenizer.eosIds, [399, 397]);
    writeFileSync(at("t", "chat_template.jinja"), "{{ raise_exception('no system turn') }}");
    const strict = await loadTokenizer(at("t"));
    assert.throws(() => strict.chatText([{ role: "system", content: "x" }]), /refuses these messages/);
  });

  it("is refused when it does not fit the embedding", async () => {
    await load();
    const model = loadModel(fixture("wide-head").folder).config;
    await assert.rejects(loadTokenizer(at("t"), model), /ids up to 399, and the embedding has 300 rows/);
    assert.equal((await loadTokenizer(at("t"), { ...model, vocabSize: 400 })).size, 400);
  });

  it("is refused when a file is missing or broken", async () => {
    const refused = async (message: RegExp): Promise<void> => {
      await assert.rejects(loadTokenizer(at("t")), (error: unknown) => {
        assert.ok(error instanceof InputError, String(error));
        assert.match(error.message, message);
        assert.ok(!error.message.includes("\n"));
        return true;
      });
    };
    mkdirSync(at("t"));
    await refused(/has no tokenizer: there is no tokenizer\.json/);
    await load();
    rmSync(at("t", "tokenizer_config.json"));
    await refused(/no tokenizer_config\.json/);
    await load();
    writeFileSync(at("t", "tokenizer.json"), "{");
    await refused(/not JSON/);
    writeFileSync(at("t", "tokenizer.json"), "{}");
    await refused(/not a tokenizer's file/);
    writeFileSync(at("t", "tokenizer.json"), JSON.stringify({ ...trained, model: { type: "Nonsense" } }));
    await refused(/cannot be used/);
  });
});

describe("padding", () => {
  it("goes to the side that is said", () => {
    const right = padRows([[1, 2, 3], [4]], 9, "right");
    assert.deepEqual([...right.ids], [1, 2, 3, 4, 9, 9]);
    assert.deepEqual([...right.mask], [1, 1, 1, 1, 0, 0]);
    const left = padRows([[1, 2, 3], [4]], 9, "left");
    assert.deepEqual([...left.ids], [1, 2, 3, 9, 9, 4]);
    assert.deepEqual([...left.mask], [1, 1, 1, 0, 0, 1]);
    assert.equal(padRows([], 0, "left").length, 0);
  });
});
