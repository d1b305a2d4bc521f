import { strict as assert } from "node:assert";
import fc from "fast-check";
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from "../../../lib/model/files/half.js";

const all = Uint16Array.from({ length: 65536 }, (_, i) => i);

describe("16-bit floats", () => {
  const cases = [
    { name: "float16", widen: float16ToFloat32, narrow: float32ToFloat16, infinity: 0x7c00 },
    { name: "bfloat16", widen: bfloat16ToFloat32, narrow: float32ToBfloat16, infinity: 0x7f80 },
  ];
  for (const { name, widen, narrow, infinity } of cases) {
    const values = new Float32Array(65536);
    widen(all, values);

    it(`${name}: every value survives the way there and back`, () => {
      const back = new Uint16Array(65536);
      narrow(values, back);
      for (let i = 0; i < 65536; i++) {
        if (Number.isNaN(values[i])) assert.ok((back[i]! & 0x7fff) > infinity, `NaN ${i}`);
        else assert.equal(back[i], i);
      }
    });

    it(`${name}: rounds to the nearest value, ties to even`, () => {
      const one = new Float32Array(1);
      const bits = new Uint16Array(1);
      // The finite values from 0 up are in order of their bits, so neighbours are found by counting.
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: infinity - 2 }),
          fc.double({ min: 0, max: 1, noNaN: true }),
          (low, t) => {
            const a = values[low]!;
            const b = values[low + 1]!;
            one[0] = a + (b - a) * t;
            const x = one[0];
            narrow(one, bits);
            const expected = x - a < b - x || (x - a === b - x && low % 2 === 0) ? low : low + 1;
            assert.equal(bits[0], expected);
            one[0] = -x;
            narrow(one, bits);
            assert.equal(bits[0], expected | 0x8000);
          },
        ),
        { numRuns: 5000 },
      );
      // Exactly half-way, for every pair.
      for (let low = 0; low < infinity - 1; low++) {
        one[0] = (values[low]! + values[low + 1]!) / 2;
        if (2 * one[0] !== values[low]! + values[low + 1]!) continue; // half-way is not a float32
        narrow(one, bits);
        assert.equal(bits[0], low % 2 === 0 ? low : low + 1);
      }
    });
  }

  it("know the values of the standards", () => {
    const out = new Float32Array(6);
    float16ToFloat32(Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555, 0xfc00), out);
    assert.deepEqual([...out], [1, -2, 65504, 2 ** -24, 0.333251953125, -Infinity]);
    bfloat16ToFloat32(Uint16Array.of(0x3f80, 0xc000, 0x7f7f, 0x0001, 0x4049, 0xff80), out);
    assert.deepEqual([...out].slice(0, 2), [1, -2]);
    assert.deepEqual([out[4], out[5]], [3.140625, -Infinity]);
    const large = new Uint16Array(2);
    float32ToFloat16(Float32Array.of(65519.99, 65520), large);
    assert.deepEqual([...large], [0x7bff, 0x7c00]);
  });

  it("write at an offset and leave the rest", () => {
    const out = new Float32Array(4).fill(7);
    bfloat16ToFloat32(Uint16Array.of(0x3f80), out, 2);
    assert.deepEqual([...out], [7, 7, 1, 7]);
  });
});
