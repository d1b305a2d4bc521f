/** The parts of a spaCy pipeline, as its package holds them, as the tagger that Aisle keeps. */
import {
  DEPTH,
  type MaxoutLayer,
  PIECES,
  type RulerRule,
  type SpecialPart,
  type TaggerDescription,
  type TaggerModel,
  type TaggerWeights,
  WIDTH,
} from "./model.js";
import { asList, asMap, asNumbers, asText, asWhole, unpack, UnexpectedContent } from "./unpacked.js";

/** Parts of the package that are read, by their path in its data folder. */
export const PARTS = [
  "tokenizer",
  "vocab/lookups.bin",
  "tok2vec/model",
  "tagger/model",
  "tagger/cfg",
  "attribute_ruler/patterns",
] as const;

/** The features that have embeddings, in this order. */
const COLUMNS = "NORM PREFIX SUFFIX SHAPE SPACY IS_SPACE";
/** spaCy's numbers for a special case's text and norm. */
const ORTH = 65;
const NORM = 67;

/**
 * Reads a pipeline's parts.
 * @param part gives the bytes of one of `PARTS`.
 * @throws UnexpectedContent when a part is not what this network's has.
 */
export function convertPipeline(
  part: (name: (typeof PARTS)[number]) => Uint8Array,
  origin: Pick<TaggerDescription, "name" | "version" | "source" | "license">,
): TaggerModel {
  const labels = labelsOf(part("tagger/cfg"));
  const { tables, weights } = networkOf(part("tok2vec/model"));
  const [softmax] = layersOf(part("tagger/model"), "tagger/model").filter(({ name }) => name === "softmax");
  const output = asMap(softmax?.parameters, "tagger/model");
  const norms = asMap(
    asMap(unpack(part("vocab/lookups.bin"), "vocabulary"), "vocabulary").get("lexeme_norm"),
    "norms",
  );
  return {
    description: {
      ...origin,
      tokenizer: tokenizerOf(part("tokenizer")),
      norms: [...norms].map(([hash, norm]) => [String(hash), asText(norm, "norm")] as const),
      tables,
      labels,
      rules: rulesOf(part("attribute_ruler/patterns")),
    },
    weights: {
      ...weights,
      outputWeights: asNumbers(output.get("W"), [labels.length, WIDTH], "output matrix"),
      outputBias: asNumbers(output.get("b"), [labels.length], "output bias"),
    },
  };
}

function labelsOf(bytes: Uint8Array): readonly string[] {
  try {
    const { labels } = JSON.parse(Buffer.from(bytes).toString()) as { labels?: unknown };
    return asList(labels, "tagger/cfg").map((label) => asText(label, "tag"));
  } catch (error) {
    if (error instanceof UnexpectedContent) throw error;
    throw new UnexpectedContent("its tagger/cfg cannot be read");
  }
}

function tokenizerOf(bytes: Uint8Array): TaggerDescription["tokenizer"] {
  const rules = asMap(unpack(bytes, "tokenizer"), "tokenizer");
  if (rules.get("token_match") !== null) throw new UnexpectedContent("its tokenizer has a token_match");
  if (rules.get("faster_heuristics") !== true)
    throw new UnexpectedContent("its tokenizer has no faster_heuristics");
  const text = (name: string): string => asText(rules.get(name), name);
  return {
    prefix: text("prefix_search"),
    suffix: text("suffix_search"),
    infix: text("infix_finditer"),
    url: text("url_match"),
    specialCases: [...asMap(rules.get("exceptions"), "exceptions")].map(
      ([whole, parts]) => [asText(whole, "exception"), asList(parts, "exception").map(partOf)] as const,
    ),
  };
}

function partOf(part: unknown): SpecialPart {
  const values = asMap(part, "exception");
  const norm = values.get(NORM);
  return [asText(values.get(ORTH), "exception"), norm === undefined ? null : asText(norm, "exception")];
}

/** The rules that give a coarse part of speech and need no parser. */
function rulesOf(bytes: Uint8Array): readonly RulerRule[] {
  return asList(unpack(bytes, "attribute ruler"), "attribute ruler").flatMap((entry) => {
    const rule = asMap(entry, "attribute ruler");
    const pos = asMap(rule.get("attrs"), "attribute ruler").get("POS");
    if (pos === undefined) return [];
    return asList(rule.get("patterns"), "pattern").flatMap((pattern) => {
      const tokens = asList(pattern, "pattern").map((token) => asMap(token, "pattern"));
      // The parser's dependencies turn some verbs and pronouns into others (docs/tagger.md); it is not run here.
      if (tokens.some((token) => token.has("DEP"))) return [];
      const [token] = tokens;
      const known = ["TAG", "LOWER", "IS_SPACE"];
      if (tokens.length !== 1 || ![...token!.keys()].every((key) => known.includes(String(key)))) {
        throw new UnexpectedContent("its attribute ruler has a pattern of another kind");
      }
      const space = token!.get("IS_SPACE");
      return [
        {
          tags: choiceOf(token!.get("TAG")),
          lower: choiceOf(token!.get("LOWER")),
          space: typeof space === "boolean" ? space : null,
          pos: asText(pos, "pattern"),
        },
      ];
    });
  });
}

/** The texts that a pattern allows, or null for any. */
function choiceOf(condition: unknown): readonly string[] | null {
  if (condition === undefined) return null;
  if (typeof condition === "string") return [condition];
  const kinds = asMap(condition, "pattern");
  if (kinds.size !== 1 || !kinds.has("IN")) {
    throw new UnexpectedContent("its attribute ruler has a condition of another kind");
  }
  return asList(kinds.get("IN"), "pattern").map((value) => asText(value, "pattern"));
}

/** A layer of one of thinc's models. */
interface Layer {
  readonly name: string;
  readonly parameters: unknown;
  attribute(name: string): unknown;
}

function layersOf(bytes: Uint8Array, what: string): readonly Layer[] {
  const model = asMap(unpack(bytes, what), what);
  const parameters = asList(model.get("params"), what);
  const attributes = asList(model.get("attrs"), what).map((values) => asMap(values, what));
  return asList(model.get("nodes"), what).map((node, i) => ({
    name: asText(asMap(node, what).get("name"), what),
    parameters: parameters[i],
    attribute: (name: string) => {
      const packed = attributes[i]?.get(name);
      return packed instanceof Uint8Array ? unpack(packed, what) : undefined;
    },
  }));
}

/** The embeddings and the encoder. */
function networkOf(bytes: Uint8Array): {
  readonly tables: TaggerDescription["tables"];
  readonly weights: Omit<TaggerWeights, "outputWeights" | "outputBias">;
} {
  const what = "tok2vec/model";
  const layers = layersOf(bytes, what);
  const named = (name: string): readonly Layer[] => layers.filter((layer) => layer.name === name);
  const [extract] = named("extract_features");
  const columns = asList(extract?.attribute("columns"), what).join(" ");
  const embeddings = named("hashembed");
  const maxouts = named("maxout");
  const norms = named("layernorm");
  const windows = named("expand_window").map((layer) => layer.attribute("window_size"));
  const right =
    columns === COLUMNS &&
    embeddings.length === COLUMNS.split(" ").length &&
    embeddings.every((layer, i) => layer.attribute("column") === i) &&
    maxouts.length === 1 + DEPTH &&
    norms.length === 1 + DEPTH &&
    windows.join() === Array<number>(DEPTH).fill(1).join();
  if (!right) throw new UnexpectedContent("its network has other layers");
  const tables = embeddings.map((layer) => {
    const vectors = asMap(layer.parameters, what).get("E");
    const shape = [...asMap(vectors, what)].find(([key]) => String(key) === "shape")?.[1];
    const rows = asWhole(asList(shape, what)[0], what);
    return {
      table: { seed: asWhole(layer.attribute("seed"), what), rows },
      vectors: asNumbers(vectors, [rows, WIDTH], "embedding"),
    };
  });
  const layer = (i: number, inputs: number): MaxoutLayer => {
    const maxout = asMap(maxouts[i]!.parameters, what);
    const norm = asMap(norms[i]!.parameters, what);
    return {
      weights: asNumbers(maxout.get("W"), [WIDTH, PIECES, inputs], "maxout matrix"),
      bias: asNumbers(maxout.get("b"), [WIDTH, PIECES], "maxout bias"),
      gain: asNumbers(norm.get("G"), [WIDTH], "layer norm"),
      shift: asNumbers(norm.get("b"), [WIDTH], "layer norm"),
    };
  };
  return {
    tables: tables.map(({ table }) => table),
    weights: {
      tables: tables.map(({ vectors }) => vectors),
      mix: layer(0, tables.length * WIDTH),
      encoder: Array.from({ length: DEPTH }, (_, i) => layer(1 + i, 3 * WIDTH)),
    },
  };
}
