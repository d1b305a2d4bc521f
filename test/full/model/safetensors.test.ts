/** Headers of safetensors files that no program wrote. */
import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { SafetensorsFile, type TensorData } from "../../../lib/model/index.js";
import { changed, CHANGES, RUNS, takenOrRefused } from "../boundary.js";

const SIZES: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};
const READ = new Set(["F32", "F16", "BF16", "I32", "I64"]);

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Tensors one after the other, and how many bytes they fill. */
const whole = fc
  .array(
    fc.record({
      name: fc.oneof(
        fc.string({ maxLength: 6 }),
        fc.constantFrom("__proto__", "a.b", "__metadata__x", "toString"),
      ),
      dtype: fc.constantFrom(...Object.keys(SIZES)),
      shape: fc.array(fc.nat(4), { maxLength: 3 }),
    }),
    { maxLength: 4 },
  )
  .map((tensors) => {
    const header: [string, unknown][] = [["__metadata__", { format: "pt" }]];
    let end = 0;
    for (const { name, dtype, shape } of tensors) {
      const bytes = shape.reduce((all, size) => all * size, SIZES[dtype]!);
      header.push([name, { dtype, shape, data_offsets: [end, end + bytes] }]);
      end += bytes;
    }
    return { header, bytes: end };
  });

/** A header's text, with its entries in their order, names that come twice included. */
const textOf = (header: readonly [string, unknown][]): string =>
  `{${header.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(",")}}`;

describe("full: headers of safetensors files", function () {
  this.timeout(1_200_000);
  const folder = mkdtempSync(join(tmpdir(), "aisle-headers-"));
  before(() => mkdirSync(folder, { recursive: true }));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "model.safetensors");

  /** Reads a file; what is taken fills it without holes and can be read, tensor by tensor. */
  function read(text: string, length: bigint, data: Buffer): boolean {
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt.asUintN(64, length));
    writeFileSync(file, Buffer.concat([head, Buffer.from(text), data]));
    const opened = takenOrRefused(text, () => new SafetensorsFile(file));
    if (!opened) return false;
    // The same by the format's rules, from the text alone.
    const headerBytes = Number(length);
    const said = JSON.parse(
      Buffer.concat([Buffer.from(text), data])
        .subarray(0, headerBytes)
        .toString(),
    ) as object;
    const entries = Object.entries(said).filter(([name]) => name !== "__metadata__") as [string, Entry][];
    const all = Buffer.byteLength(text) + data.length - headerBytes;
    let end = 0;
    for (const [
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ] of entries.sort(
      ([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
    )) {
      assert.equal(from, end, `${name} begins where the one before it ends: ${text}`);
      assert.ok(shape.every((size) => Number.isSafeInteger(size) && size >= 0));
      assert.equal(
        to - from,
        shape.reduce((product, size) => product * size, SIZES[dtype]!),
        text,
      );
      end = to;
    }
    assert.equal(end, all, text);
    assert.deepEqual([...opened.tensors.keys()].sort(), entries.map(([name]) => name).sort());
    for (const [name, { dtype, shape }] of entries) {
      const tensor: TensorData | undefined = takenOrRefused(name, (): TensorData => opened.read(name));
      assert.equal(tensor !== undefined, READ.has(dtype), name);
      if (!tensor) continue;
      assert.deepEqual([...tensor.shape], [...shape]);
      assert.equal(
        tensor.data.length,
        shape.reduce((product, size) => product * size, 1),
      );
    }
    return true;
  }

  it(`are taken whole or refused in a sentence, ${RUNS} of them`, () => {
    const cut = fc.oneof(
      { weight: 6, arbitrary: fc.constant<(length: bigint) => bigint>((length) => length) },
      fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((any) => () => any),
      fc.integer({ min: -9, max: 9 }).map((more) => (length: bigint) => length + BigInt(more)),
    );
    const more = fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.integer({ min: -9, max: 9 }));
    const change = fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 3, arbitrary: CHANGES });
    let taken = 0;
    fc.assert(
      fc.property(whole, change, cut, more, ({ header, bytes }, changes, lengthOf, extra) => {
        const text = textOf(
          header.map(([name, entry], i) => [
            name,
            changes.length > 0 && i === changes[0]!.at[0]! % header.length ? changed(entry, changes) : entry,
          ]),
        );
        const length = lengthOf(BigInt(Buffer.byteLength(text)));
        if (read(text, length, Buffer.alloc(Math.max(0, bytes + extra)))) taken++;
      }),
      { numRuns: RUNS },
    );
    assert.ok(taken > RUNS / 10 && taken < RUNS * 0.9, `${taken} were taken`);
  });

  it(`are refused where they are no header at all, ${RUNS} of them`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, honest) => {
        const data = Buffer.from(bytes);
        if (honest && data.length >= 8) data.writeBigUInt64LE(BigInt(data.length - 8));
        writeFileSync(file, data);
        takenOrRefused("bytes", () => new SafetensorsFile(file));
      }),
      { numRuns: RUNS },
    );
  });
});
