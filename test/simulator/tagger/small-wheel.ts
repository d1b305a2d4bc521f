/** A wheel like that of en_core_web_sm, with a few rules and random weights: made in no time, and nobody's property. */
import { createHash } from "node:crypto";
import AdmZip from "adm-zip";
import { Packr } from "msgpackr";
import { stream } from "../../../lib/base/index.js";

const packr = new Packr({ useRecords: false });
const pack = (value: unknown): Buffer => Buffer.from(packr.pack(value));
const WIDTH = 96;
const COLUMNS = ["NORM", "PREFIX", "SUFFIX", "SHAPE", "SPACY", "IS_SPACE"];
export const LABELS = ["NN", "NNP", "VB", "CD", "_SP", ","];

/** An array as numpy's MessagePack extension writes it. */
function array(shape: readonly number[], numbers: Float32Array): Map<Buffer, unknown> {
  return new Map<Buffer, unknown>([
    [Buffer.from("nd"), true],
    [Buffer.from("type"), "<f4"],
    [Buffer.from("kind"), Buffer.alloc(0)],
    [Buffer.from("shape"), shape],
    [Buffer.from("data"), Buffer.from(numbers.buffer)],
  ]);
}

/** The parts by their path in the data folder. A change replaces one, or removes it with null. */
export function smallWheel(
  changes: Readonly<Record<string, Uint8Array | string | null>> = {},
  folder = "en_core_web_sm",
): Buffer {
  const random = stream(7, "weights of the small wheel");
  const drawn = (...shape: number[]): Map<Buffer, unknown> => {
    const numbers = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < numbers.length; i++) numbers[i] = (random.next() - 0.5) * 0.4;
    return array(shape, numbers);
  };
  const nodes: { name: string; attributes: object; parameters: object }[] = [];
  const add = (name: string, attributes: object = {}, parameters: object = {}): void => {
    nodes.push({ name, attributes, parameters });
  };
  add("extract_features", { columns: pack(COLUMNS) });
  COLUMNS.forEach((_, i) =>
    add("hashembed", { column: pack(i), seed: pack(8 + i) }, { E: drawn(20 + i, WIDTH) }),
  );
  for (let i = 0; i < 5; i++) {
    if (i > 0) add("expand_window", { window_size: pack(1) });
    add("maxout", {}, { W: drawn(WIDTH, 3, i === 0 ? 6 * WIDTH : 3 * WIDTH), b: drawn(WIDTH, 3) });
    add("layernorm", {}, { G: drawn(WIDTH), b: drawn(WIDTH) });
  }
  const model = (layers: typeof nodes): Buffer =>
    pack({
      nodes: layers.map(({ name }, index) => ({ index, name })),
      attrs: layers.map(({ attributes }) => attributes),
      params: layers.map(({ parameters }) => (Object.keys(parameters).length === 0 ? null : parameters)),
      shims: layers.map(() => []),
    });
  const softmax = {
    name: "softmax",
    attributes: {},
    parameters: { W: drawn(LABELS.length, WIDTH), b: drawn(LABELS.length) },
  };
  const rule = (pattern: object, pos: string): object => ({
    patterns: [[pattern]],
    attrs: { POS: pos },
    index: 0,
  });
  const parts: Record<string, Uint8Array | string | null> = {
    "meta.json": JSON.stringify({ lang: "en", name: "core_web_sm", version: "3.8.0" }),
    LICENSE: "You may.\n",
    tokenizer: pack({
      prefix_search: "^\\(|^\\$|^#",
      suffix_search: "\\)$|,$|(?<=\\d)(?:cm|GB)$|\\.\\.+$",
      infix_finditer: "(?<=[a-z])-(?=[a-z])|\\.\\.+",
      token_match: null,
      url_match: "(?u)^(?:www\\.)\\S+$",
      exceptions: new Map<string, unknown>([
        [
          "don't",
          [
            new Map<number, string>([[65, "do"]]),
            new Map<number, string>([
              [65, "n't"],
              [67, "not"],
            ]),
          ],
        ],
        ["(x)", [new Map<number, string>([[65, "(x)"]])]],
        ["a-b-c", [new Map<number, string>([[65, "a-b"]]), new Map<number, string>([[65, "-c"]])]],
      ]),
      faster_heuristics: true,
    }),
    "vocab/lookups.bin": pack({ lexeme_norm: new Map([[8566208034543834098n, "fruit"]]) }),
    "tok2vec/model": model(nodes),
    "tagger/model": model([{ name: "tok2vec-listener", attributes: {}, parameters: {} }, softmax]),
    "tagger/cfg": JSON.stringify({ labels: LABELS }),
    "attribute_ruler/patterns": pack([
      rule({ TAG: "NN" }, "NOUN"),
      rule({ TAG: "NNP" }, "PROPN"),
      rule({ TAG: "VB" }, "VERB"),
      rule({ TAG: "CD" }, "NUM"),
      rule({ TAG: { IN: ["NN", "NNP"] }, LOWER: "nobody" }, "PRON"),
      rule({ TAG: { NOT_IN: ["TO"] }, DEP: "aux" }, "AUX"),
      rule({ IS_SPACE: true }, "SPACE"),
    ]),
    ...changes,
  };
  const zip = new AdmZip();
  for (const [name, content] of Object.entries(parts)) {
    if (content !== null) zip.addFile(`${folder}/${folder}-3.8.0/${name}`, Buffer.from(content));
  }
  zip.addFile(`${folder}/__init__.py`, Buffer.from("# a package\n"));
  return zip.toBuffer();
}

/** SHA-256 in hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
