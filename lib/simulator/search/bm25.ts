/**
 * BM25 as Lucene 8 and 9 compute it (Robertson & Zaragoza 2009, without the constant factor k1 + 1), in single
 * precision and with the document length rounded to one byte, so that scores and ties come out as in Lucene.
 */
const f = Math.fround;

/** Anserini's defaults, which WebShop uses. */
export const K1 = 0.9;
export const B = 0.4;

/** Lengths up to here are stored exactly. */
const EXACT = 24;

function floatBits(value: number): number {
  const bits = 32 - Math.clz32(value);
  if (bits < 4) return value;
  const shift = bits - 4;
  return ((value >>> shift) & 0x07) | ((shift + 1) << 3);
}

function floatValue(code: number): number {
  const shift = (code >>> 3) - 1;
  return shift < 0 ? code & 0x07 : ((code & 0x07) | 0x08) * 2 ** shift;
}

/** Lucene's `SmallFloat.intToByte4`: a length in one byte, rounded down. Exact to 40. */
export function encodeLength(length: number): number {
  return length < EXACT ? length : EXACT + floatBits(length - EXACT);
}

/** The length that a byte stands for. */
export function decodeLength(code: number): number {
  return code < EXACT ? code : EXACT + floatValue(code - EXACT);
}

/** For each length byte, `1 / (k1 · (1 − b + b · dl / avgdl))`. */
export function inverseNorms(averageLength: number, k1 = K1, b = B): Float32Array {
  const average = f(averageLength);
  const norms = new Float32Array(256);
  for (let code = 0; code < 256; code++) {
    const length = f(decodeLength(code));
    const factor = f(f(1 - f(b)) + f(f(f(b) * length) / average));
    norms[code] = f(1 / f(f(k1) * factor));
  }
  return norms;
}

/** Inverse document frequency of a term that `df` of `documents` documents hold. */
export function inverseDocumentFrequency(df: number, documents: number): number {
  return f(Math.log(1 + (documents - df + 0.5) / (df + 0.5)));
}

/**
 * The addition of a term to a document's score, `weight · tf / (tf + norm)`, in the form that keeps single precision
 * monotone.
 * @param weight idf × how often the query repeats the term
 * @param ratio tf × inverse norm, in single precision
 */
export function contribution(weight: number, ratio: number): number {
  // Never quite 0, so that a sum of 0 means that no term was found.
  return f(weight - f(weight / f(1 + ratio))) || 1.4e-45;
}
