/** The part of a spaCy pipeline that Aisle keeps: all that turns a title into coarse parts of speech, and nothing else. */

/** One part of a special case: its text, and the norm that it has there, where that is not the word's own. */
export type SpecialPart = readonly [text: string, norm: string | null];

/** A condition of the attribute ruler on one token. Absent: anything goes. */
export interface RulerRule {
  readonly tags: readonly string[] | null;
  /** Lower-case texts. */
  readonly lower: readonly string[] | null;
  /** Whether it must, or must not, be white space. */
  readonly space: boolean | null;
  /** The coarse part of speech that it gives; the last rule that applies wins. */
  readonly pos: string;
}

/** A table of a hash embedding: which number of a token it embeds, and its own seed. */
export interface EmbeddingTable {
  readonly seed: number;
  readonly rows: number;
}

/** Everything but the numbers. */
export interface TaggerDescription {
  /** e.g. en_core_web_sm 3.8.0. */
  readonly name: string;
  readonly version: string;
  /** The wheel it came from. */
  readonly source: { readonly file: string; readonly sha256: string };
  /** The licence's text, which goes with the weights. */
  readonly license: string;
  readonly tokenizer: {
    readonly prefix: string;
    readonly suffix: string;
    readonly infix: string;
    readonly url: string;
    readonly specialCases: readonly (readonly [text: string, parts: readonly SpecialPart[]])[];
  };
  /** Norms of words that are not simply their lower case, by the word's hash (decimal digits). */
  readonly norms: readonly (readonly [hash: string, norm: string])[];
  /** NORM, PREFIX, SUFFIX, SHAPE, SPACY, IS_SPACE. */
  readonly tables: readonly EmbeddingTable[];
  /** Fine tags in the order of the network's outputs. */
  readonly labels: readonly string[];
  readonly rules: readonly RulerRule[];
}

/** Numbers of every vector between the layers. */
export const WIDTH = 96;
/** Pieces of a maxout unit. */
export const PIECES = 3;
/** Layers of the window encoder, each of which sees one token to either side. */
export const DEPTH = 4;

/** A maxout layer with its layer normalisation. */
export interface MaxoutLayer {
  /** [WIDTH, PIECES, inputs]. */
  readonly weights: Float32Array;
  /** [WIDTH, PIECES]. */
  readonly bias: Float32Array;
  /** [WIDTH] each. */
  readonly gain: Float32Array;
  readonly shift: Float32Array;
}

/** The network's numbers. */
export interface TaggerWeights {
  /** One per table of the description, [rows, WIDTH]. */
  readonly tables: readonly Float32Array[];
  /** Mixes the six embeddings: 6 × WIDTH inputs. */
  readonly mix: MaxoutLayer;
  /** DEPTH layers of 3 × WIDTH inputs. */
  readonly encoder: readonly MaxoutLayer[];
  /** [labels, WIDTH] and [labels]. */
  readonly outputWeights: Float32Array;
  readonly outputBias: Float32Array;
}

/** A tagger as it is kept. */
export interface TaggerModel {
  readonly description: TaggerDescription;
  readonly weights: TaggerWeights;
}
