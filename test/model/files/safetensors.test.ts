import { strict as assert } from "node:assert";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { InputError } from "../../../lib/base/index.js";
import { SafetensorsFile, writeSafetensors } from "../../../lib/model/index.js";
import { scratch } from "./scratch.js";

/** A file with the given header (text or object) and bytes of data. */
function fileOf(header: unknown, data: number, length?: bigint): Buffer {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length ?? BigInt(json.length));
  return Buffer.concat([size, json, Buffer.alloc(data, 1)]);
}

describe("safetensors", () => {
  const at = scratch();

  it("gives back what was written, whatever the names, shapes and values", () => {
    const tensor = fc
      .tuple(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }), fc.boolean(), fc.integer())
      .map(([shape, ints, seed]) => {
        const n = shape.reduce((a, b) => a * b, 1);
        const values = Array.from({ length: n }, (_, i) => Math.fround(Math.sin(seed + i)));
        return { shape, data: ints ? Int32Array.from(values, (v) => v * 1e9) : Float32Array.from(values) };
      });
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), tensor, { maxKeys: 6 }), (named) => {
        const tensors = new Map(Object.entries(named));
        tensors.delete("__metadata__");
        writeSafetensors(at("a.safetensors"), tensors);
        const file = new SafetensorsFile(at("a.safetensors"));
        assert.deepEqual(new Set(file.tensors.keys()), new Set(tensors.keys()));
        for (const [name, value] of tensors) assert.deepEqual(file.read(name), value);
        const again = new Map([...tensors].reverse());
        writeSafetensors(at("b.safetensors"), again);
        assert.deepEqual(readFileSync(at("b.safetensors")), readFileSync(at("a.safetensors")));
      }),
      { numRuns: 60 },
    );
  });

  it("converts in pieces: a 16-bit tensor longer than a piece", () => {
    const n = (1 << 20) + 12345;
    const data = Float32Array.from({ length: n }, (_, i) => (i % 255) - 127); // exact in both 16-bit types
    for (const dtype of ["BF16", "F16", "F32"] as const) {
      writeSafetensors(at("x.safetensors"), new Map([["x", { shape: [n], data }]]), { dtype });
      const file = new SafetensorsFile(at("x.safetensors"));
      assert.equal(file.tensors.get("x")?.dtype, dtype);
      assert.deepEqual(file.read("x").data, data);
    }
  });

  it("takes metadata that is null as none, as the reference implementation does (A13)", () => {
    const header = { __metadata__: null, a: { dtype: "F32", shape: [1], data_offsets: [0, 4] } };
    writeFileSync(at("n.safetensors"), fileOf(header, 4));
    const file = new SafetensorsFile(at("n.safetensors"));
    assert.deepEqual([[...file.tensors.keys()], file.metadata], [["a"], {}]);
  });

  it("reads 64-bit integers and refuses those that do not fit", () => {
    const header = { a: { dtype: "I64", shape: [2], data_offsets: [0, 16] } };
    const bytes = fileOf(header, 16);
    bytes.writeBigInt64LE(-5n, bytes.length - 16);
    bytes.writeBigInt64LE(123456n, bytes.length - 8);
    writeFileSync(at("i.safetensors"), bytes);
    assert.deepEqual([...new SafetensorsFile(at("i.safetensors")).read("a").data], [-5, 123456]);
    bytes.writeBigInt64LE(2n ** 40n, bytes.length - 8);
    writeFileSync(at("i.safetensors"), bytes);
    assert.throws(() => new SafetensorsFile(at("i.safetensors")).read("a"), /"a".*1099511627776.*32 bits/);
  });

  it("leaves nothing behind when the values cannot be made", () => {
    writeSafetensors(at("m.safetensors"), new Map([["x", { shape: [1], data: Float32Array.of(1) }]]));
    const before = readFileSync(at("m.safetensors"));
    const failing = {
      shape: [2],
      data: (): Float32Array => {
        throw new Error("no values");
      },
    };
    assert.throws(() => writeSafetensors(at("m.safetensors"), new Map([["x", failing]])), /no values/);
    const short = { shape: [2], data: Float32Array.of(1) };
    assert.throws(() => writeSafetensors(at("m.safetensors"), new Map([["x", short]])), RangeError);
    assert.deepEqual(readdirSync(at()), ["m.safetensors"]);
    assert.deepEqual(readFileSync(at("m.safetensors")), before);
  });

  const entry = (dtype: string, shape: unknown, offsets: unknown): object => ({
    dtype,
    shape,
    data_offsets: offsets,
  });
  const refusals: [string, Buffer, RegExp][] = [
    ["an empty file", Buffer.alloc(0), /0 bytes/],
    ["a file shorter than the length", Buffer.alloc(5), /5 bytes/],
    ["a header beyond the file", fileOf({}, 0, 1000n), /claims 1000 bytes and only 2 follow/],
    ["a header beyond reason", fileOf({}, 0, 2n ** 60n), /claims 1152921504606846976 bytes/],
    ["a header that is not JSON", fileOf("{not json", 0), /not JSON/],
    ["a header that is a list", fileOf([], 0), /not a JSON object/],
    ["metadata that is not text", fileOf({ __metadata__: { a: 1 } }, 0), /__metadata__/],
    ["an entry without shape", fileOf({ w: { dtype: "F32", data_offsets: [0, 4] } }, 4), /"w" lacks/],
    ["a negative size", fileOf({ w: entry("F32", [-1], [0, 4]) }, 4), /"w" lacks/],
    ["a size that is not whole", fileOf({ w: entry("F32", [0.5], [0, 2]) }, 2), /"w" lacks/],
    ["an unknown element type", fileOf({ w: entry("F33", [1], [0, 4]) }, 4), /"w".*"F33"/],
    [
      "an element type that every object has",
      fileOf({ w: entry("__proto__", [], [0, 0]) }, 0),
      /unknown element type "__proto__"/,
    ],
    ["another", fileOf({ w: entry("constructor", [1], [0, 4]) }, 4), /unknown element type "constructor"/],
    [
      "a shape that does not fill its bytes",
      fileOf({ w: entry("F32", [3], [0, 8]) }, 8),
      /"w" is F32 \[3\], 12 bytes, but has 8/,
    ],
    ["offsets that run backwards", fileOf({ w: entry("F32", [1], [4, 0]) }, 4), /"w".*but has -4/],
    [
      "a tensor beyond the file",
      fileOf({ w: entry("F32", [2], [0, 8]) }, 5),
      /ends 3 bytes before the end of "w"/,
    ],
    ["bytes that belong to nothing", fileOf({ w: entry("F32", [1], [0, 4]) }, 7), /3 bytes after/],
    [
      "overlapping tensors",
      fileOf({ v: entry("F32", [2], [0, 8]), w: entry("F32", [2], [4, 12]) }, 12),
      /"w" overlaps/,
    ],
    [
      "a hole",
      fileOf({ v: entry("F32", [1], [0, 4]), w: entry("F32", [1], [8, 12]) }, 12),
      /nothing covers the 4 bytes before "w"/,
    ],
    [
      "a shape whose product overflows",
      fileOf({ w: entry("F32", [2 ** 31, 2 ** 31, 2 ** 31], [0, 4]) }, 4),
      /"w"/,
    ],
  ];
  for (const [what, bytes, message] of refusals) {
    it(`refuses ${what} in one sentence`, () => {
      writeFileSync(at("bad.safetensors"), bytes);
      assert.throws(
        () => new SafetensorsFile(at("bad.safetensors")),
        (error: unknown) => {
          assert.ok(error instanceof InputError);
          assert.match(error.message, message);
          assert.match(error.message, /bad\.safetensors/);
          assert.ok(!error.message.includes("\n"));
          return true;
        },
      );
    });
  }

  it("refuses a missing file, a folder, a missing tensor and an element type that is not a number we use", () => {
    assert.throws(() => new SafetensorsFile(at("none.safetensors")), /none\.safetensors: it does not exist/);
    assert.throws(() => new SafetensorsFile(at()), InputError);
    writeFileSync(
      at("b.safetensors"),
      fileOf({ w: entry("BOOL", [1], [0, 1]), i: entry("I8", [1], [1, 2]) }, 2),
    );
    const file = new SafetensorsFile(at("b.safetensors"));
    assert.throws(() => file.read("v"), /holds no tensor "v"/);
    assert.throws(() => file.read("w"), /"w".*BOOL; weights must be/);
    assert.throws(() => file.read("i"), /"i".*I8/);
  });

  it("refuses a file that was cut off at any byte, and one with any byte of the header changed that matters", () => {
    const tensors = new Map([
      ["a", { shape: [2, 3], data: new Float32Array(6).fill(1) }],
      ["b", { shape: [5], data: new Float32Array(5).fill(2) }],
    ]);
    writeSafetensors(at("whole.safetensors"), tensors);
    const whole = readFileSync(at("whole.safetensors"));
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(at("cut.safetensors"), whole.subarray(0, length));
      assert.throws(() => new SafetensorsFile(at("cut.safetensors")), InputError, `cut to ${length} bytes`);
    }
    const headerEnd = whole.length - 44;
    fc.assert(
      fc.property(fc.nat(headerEnd - 1), fc.integer({ min: 1, max: 255 }), (position, change) => {
        const bytes = Buffer.from(whole);
        bytes[position]! ^= change;
        writeFileSync(at("changed.safetensors"), bytes);
        try {
          const file = new SafetensorsFile(at("changed.safetensors"));
          // What still opens must be readable as declared (a changed name, shape order or type of the same size).
          for (const [name, place] of file.tensors) {
            if (place.dtype === "F32" || place.dtype === "I32")
              assert.equal(file.read(name).data.length, place.bytes / 4);
          }
        } catch (error) {
          assert.ok(error instanceof InputError, String(error));
        }
      }),
      { numRuns: 400 },
    );
  });
});
