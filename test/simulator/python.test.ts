import assert from "node:assert/strict";
import fc from "fast-check";
import { PythonRandom } from "../../lib/simulator/index.js";
import {
  byCodePoint,
  dictText,
  floatText,
  jsonObjectText,
  jsonText,
  listText,
  reprText,
  splitWords,
  strip,
} from "../../lib/simulator/python-text.js";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe("simulator: CPython's random stream", () => {
  it("gives random.random() after random.seed(233)", () => {
    const random = new PythonRandom(233);
    assert.deepEqual(
      range(5).map(() => random.random()),
      [0.6824769139473528, 0.6283202109809801, 0.5251745077282681, 0.8000818107291034, 0.4841136153845593],
    );
  });

  it("shuffles as CPython does", () => {
    assert.deepEqual(
      new PythonRandom(233).shuffle(range(20)),
      [17, 18, 9, 2, 8, 19, 11, 10, 12, 0, 3, 4, 14, 13, 1, 6, 15, 7, 16, 5],
    );
    const small = new PythonRandom(233);
    const synthetic = small.shuffle(range(6910));
    assert.deepEqual(synthetic.slice(0, 10), [3963, 2638, 2193, 1856, 4358, 6149, 2504, 3220, 705, 1072]);
    assert.deepEqual(synthetic.slice(-3), [5147, 6573, 5590]);
    assert.equal(small.random(), 0.3292149168523828);
    const full = new PythonRandom(233);
    const human = full.shuffle(range(12087));
    assert.deepEqual(human.slice(0, 10), [8655, 10304, 6940, 2750, 3667, 2144, 3577, 9548, 8911, 10662]);
    assert.deepEqual(human.slice(-3), [2856, 10294, 11181]);
    assert.equal(full.random(), 0.29948229288351325);
  });

  it("samples, draws uniformly and chooses as CPython 3.11 does", () => {
    const random = new PythonRandom(42);
    assert.deepEqual([random.random(), random.random()], [0.6394267984578837, 0.025010755222666936]);
    assert.deepEqual(random.sample(range(1000), 3), [281, 250, 228]);
    assert.deepEqual(random.sample(range(1000), 50).slice(0, 6), [142, 754, 104, 692, 758, 913]);
    assert.deepEqual(random.sample(range(15), 4), [0, 11, 7, 8]);
    assert.deepEqual(
      [random.uniform(3.78, 11.38), random.uniform(3.78, 11.38)],
      [4.728678837684392, 10.789444827414016],
    );
    assert.deepEqual(random.choices([1, 3, 4, 4, 9], 5), [0, 1, 4, 4, 2]);
  });

  it("takes seeds longer than 32 bits and drops their sign", () => {
    assert.equal(new PythonRandom(-12345678901234567890n).random(), 0.5120180983871961);
    assert.equal(new PythonRandom(2 ** 40 + 7).random(), 0.6137037779936511);
  });

  it("refuses what has no answer", () => {
    const random = new PythonRandom(0);
    assert.throws(() => new PythonRandom(1.5), RangeError);
    assert.throws(() => random.below(0), RangeError);
    assert.throws(() => random.sample([1, 2], 3), RangeError);
    assert.throws(() => random.choices([]), RangeError);
  });

  it("always shuffles to a permutation and samples without repeats", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 300 }), (seed, n) => {
        const random = new PythonRandom(seed);
        assert.deepEqual(
          random.shuffle(range(n)).sort((a, b) => a - b),
          range(n),
        );
        const count = random.below(n) + 1;
        assert.equal(new Set(random.sample(range(n), count)).size, count);
      }),
      { numRuns: 50 },
    );
  });
});

describe("simulator: Python's ways of writing", () => {
  it("writes floats as repr does", () => {
    const cases: [number, string][] = [
      [0.1, "0.1"],
      [1e16, "1e+16"],
      [123456789012345680, "1.2345678901234568e+17"],
      [1e15, "1000000000000000.0"],
      [9999999999999998, "9999999999999998.0"],
      [1e-4, "0.0001"],
      [1e-5, "1e-05"],
      [1.5e-7, "1.5e-07"],
      [0.0001234, "0.0001234"],
      [100, "100.0"],
      [0, "0.0"],
      [-0, "-0.0"],
      [1e22, "1e+22"],
      [5e-324, "5e-324"],
    ];
    for (const [number, text] of cases) assert.equal(floatText(number), text);
  });

  it("writes strings as json.dumps and repr do", () => {
    const cases: [string, string, string][] = [
      ['8"', '"8\\""', `'8"'`],
      ["é", '"\\u00e9"', "'é'"],
      ["a\x7fb", '"a\\u007fb"', "'a\\x7fb'"],
      ["😀", '"\\ud83d\\ude00"', "'😀'"],
      ["tab\tq", '"tab\\tq"', "'tab\\tq'"],
      ["it's", `"it's"`, `"it's"`],
      [`both ' and "`, `"both ' and \\""`, `'both \\' and "'`],
      ["\x85x", '"\\u0085x"', "'\\x85x'"],
      ["\u200bz", '"\\u200bz"', "'\\u200bz'"],
      ["\u00a0", '"\\u00a0"', "'\\xa0'"],
    ];
    for (const [text, json, repr] of cases) {
      assert.equal(jsonText(text), json);
      assert.equal(reprText(text), repr);
    }
    const options = { size: '8"', color: "red" };
    assert.equal(jsonObjectText(options), '{"size": "8\\"", "color": "red"}');
    assert.equal(jsonObjectText(options, true), '{"color": "red", "size": "8\\""}');
    assert.equal(dictText(options), `{'size': '8"', 'color': 'red'}`);
    assert.equal(dictText({}), "{}");
    assert.equal(listText(["a", "it's"]), `['a', "it's"]`);
  });

  it("strips and splits what Python calls white space, which is not what JavaScript does", () => {
    assert.equal(strip("\x1c\x85\u00a0 a\ufeff \u3000"), "a\ufeff");
    assert.equal(strip("plain"), "plain");
    assert.equal(strip(" \n\t "), "");
    assert.deepEqual(splitWords(" a\u2003b\x1f c "), ["a", "b", "c"]);
  });

  it("orders by code point", () => {
    assert.deepEqual(["\uffff", "😀", "b", "a", ""].sort(byCodePoint), ["", "a", "b", "\uffff", "😀"]);
  });
});
