/**
 * Word-break classes (Unicode Standard Annex #29) of every code point, as Lucene's StandardTokenizer sees them.
 * Lucene fixes its Unicode version, Node's grows with each release: so the classes are a table, found by asking
 * Lucene 9.12 about each code point, and not regular expressions. Checked against Lucene by bench/lucene.
 */

/** The effect of a code point on a word. */
export const WordBreak = {
  /** Separates words. */
  other: 0,
  /** Letters of alphabets and Hangul. */
  letter: 1,
  hebrew: 2,
  numeric: 3,
  katakana: 4,
  /** Han and Hiragana: each is a word by itself. */
  ideograph: 5,
  /** Thai, Lao, Khmer and Myanmar letters: a run is one word. */
  complex: 6,
  /** As `complex` where it begins or continues such a run, as `extend` elsewhere. */
  complexExtend: 7,
  emoji: 8,
  /** As `emoji` where it begins a word, as `extend` elsewhere (skin tones). */
  emojiModifier: 9,
  /** Combining marks and format characters: belong to what they follow. */
  extend: 10,
  /** Underscores and their kin: join letters, digits and katakana. */
  joiner: 11,
  /** Joins letters: the colon, the middle dot. */
  midLetter: 12,
  /** Joins digits: the comma, the semicolon. */
  midNumber: 13,
  /** Joins letters or digits: the full stop, the curly apostrophe. */
  midBoth: 14,
  singleQuote: 15,
  zeroWidthJoiner: 16,
  /** U+FE0E: as `extend`, but not after an emoji. */
  textStyle: 17,
  /** Regional indicators: two make a flag. */
  regional: 18,
  doubleQuote: 19,
} as const;

/**
 * Runs of one class: the class in base 36, then how far past the last run it begins and, after a dash, how many
 * more code points it has (base 36).
 */
const RUNS =
  "jy f4 d4 e1 31-9 c0 d0 15-p b4 11-p 81a 10 a2 80 16 c1 12 15-m 11-u 11-db 16-6 17-j a0-33 10-4 11-1 12-3 d0 10 " +
  "16 c0 10-2 11 11-j 11-2a 11-3u a1-6 10-4l 11-11 12 11-1 11 11-14 d0 a7-18 a1 a1-1 a1-1 a1 28-q 24-3 10 c0 ab-5 " +
  "d6-1 a2-a a1 13-16 a0-k 30-9 31 d0 11-1 a0 10-2q 11 a0-7 a1-5 10-1 a0-1 a1-3 10-1 30-9 10-2 12 af 10 a0 10-t " +
  "a0-q 12-2g a0-a 10 3e-9 10-w a0-8 10-1 d2 11 a2 12-l a0-3 10 a0-8 10 a0-2 10 a0-4 1i-o a0-2 14-a 11h-k 11-7 " +
  "al-1c 10-1h a0-2 10 a0-h 10 a0-6 10-9 a0-1 32-9 11-f a0-2 11-7 12-1 12-l 11-6 11 13-3 a2 10 a0-6 a2-1 a2-2 10 " +
  "a8 14-1 11-2 a0-1 32-9 10-1 1a a1 a2-2 11-5 14-1 12-l 11-6 11-1 11-1 11-1 a2 a1-4 a4-1 a2-2 a3 17-3 11 37-9 " +
  "a0-1 10-2 a0 ab-2 11-8 11-2 11-l 11-6 11-1 11-4 a2 10 a0-7 a1-2 a1-2 12 1f-1 a0-1 32-9 19 a0-5 a1-2 11-7 12-1 " +
  "12-l 11-6 11-1 11-4 a2 10 a0-6 a2-1 a2-2 a8-1 14-1 11-2 a0-1 32-9 11 ag 10 11-5 13-2 11-3 13-1 11 11-1 13-1 " +
  "13-2 13-b a4-4 a3-2 a1-3 12 a6 3e-9 ag-4 10-7 11-2 11-m 11-f 13 a0-6 a1-2 a1-3 a7-1 11-2 15-1 a0-1 32-9 1g " +
  "a0-2 11-7 11-2 11-m 11-9 11-4 a2 10 a0-6 a1-2 a1-3 a7-1 17 11-1 a0-1 32-9 11-1 ad-3 11-7 11-2 11-14 a0-1 10 " +
  "a0-6 a1-2 a1-3 10 15-2 a0 17-2 a0-1 32-9 1a-5 a2-1 11-h 13-n 11-8 11 12-6 a3 a4-5 a1 a1-7 36-9 a2-1 6d-1b 70 " +
  "60-1 70-6 65-6 70-7 31-9 613-1 61 61-4 61-n 61 61-9 70 60-1 70-8 60 62-4 61 71-5 32-9 62-3 1w an-1 36-9 ab a1 " +
  "a1 a4-1 10-7 11-z a4-j a1-1 10-4 a0-a a1-z a9 61l-16 70-j 60 30-9 66-5 70-3 60-3 70-2 60 70-2 60-1 70-6 60-2 " +
  "70-3 60-c 70-b 60 70 30-9 70-3 60-1 10-11 11 15 12-16 11-98 11-3 12-6 11 11-3 12-14 11-3 12-w 11-3 12-6 11 " +
  "11-3 12-e 11-1k 11-3 12-1u a2-2 1w-f 1g-2d 12-5 13-h7 12-g 11-p 15-22 13-a 17-c 11-3 a0-2 1b-h a0-2 1b-h a0-1 " +
  "1c-c 11-2 a1-1 6c-1f 70-v 63 64 70 32-9 ax-3 31-9 16-2g 17-4 a0-1 10-x a0 10 15-1x 1a-u a1-b a4-b 3a-9 60-t " +
  "62-4 6b-17 64-p 36-9 60 63-1 1w-m a0-4 64-1g 70-9 71-s a2 30-9 36-9 66-d a2-e a1t-4 10-1a a0-g 10-6 34-9 ah-8 " +
  "ac-2 10-t a0-c 10-1 30-9 10-17 a0-d 1c-z a0-j 38-9 13-2 30-9 10-z 12-8 17-16 12-2 ag-2 a1-k 10-3 a0 10-5 a0 " +
  "10-1 a0-2 10 15-5b a0-1l a1-4 10-7p 12-5 12-11 12-5 12-7 11 11 11 11-u 12-1g 11-6 11 13-2 11-6 13-3 12-5 14-c " +
  "15-2 11-6 af g0 a0-1 e8-1 ea c2 a2-4 b0 8c b2-1 d3 84 ba ab-4 a1-9 11 1d 1g-c a1f-w 1h 14 12-9 11 13-4 84 11 " +
  "11 11 11-3 11-a 12-3 15-4 14 1h-14 8b-5 8f-1 8a7-1 8c 82n 81y 8p-a 84-2 157-1f 85c-1 8a 89 81m-3 81-5 81-b " +
  "81-35 8a-39 82-a 81 81 86 83 86 8a-1 8f 82 84 81 84-2 81 8b-4 819-2 89 8e 8e 8ac-1 8cv-2 8j-1 81f 84 14q-1a " +
  "11-1a 11-3o 16-3 a0-2 10-1 1c-11 11 15 12-1j 17 af 10-m 19-6 11-6 11-6 11-6 11-6 11-6 11-6 11-6 a1-v 11b 528-p " +
  "51-2g 5c-5x 11b 51 5p-8 a0-5 80 40-4 52-2 10-1 80 53-2d a2-1 40-1 50-2 40-2i 41-3 15-16 11-2l 1h-q 41h-f 847 " +
  "81 41i-1a 41-2f 54o-52t 522-g6n 1g-wc 11v-19 12-7g 13-f 30-9 10-1 1k-1a a0-3 a1-9 11-u a0-1 10-27 a0-1 111-4o " +
  "12-4 11c-a a0 10-2 a0 10-3 a0 10-m a0-4 1o-1f ac-1 10-1d a0-h 3a-9 a6-h 10-5 13 11-1 a0 30-9 10-r a0-7 12-m " +
  "a0-c 1c-s a3-3 10-1a a0-d 1e 30-9 66-4 70 60-9 30-9 60-4 11-14 a0-d 19-2 a0 10-7 a0-1 32-9 66-q 70-2 60-1d 70 " +
  "60 70-2 60-1 70-1 60-4 70-1 60 70 60 6o-4 10-a a0-4 12-2 a0-1 1a-5 12-5 12-5 19-6 11-6 11-1j 18-36 a0-7 a1-1 " +
  "32-9 16-8mb 1c-m 14-1c 56is-a5 52-2x 112-6 1c-4 25 a0 20-9 21-c 21-4 21 21-1 21-1 21-9 10-2p 1x-a2 1i-1r 12-1h " +
  "114-b a4-d h0 a0 d0 c2 d0 ab-f b3-1 bo-2 d0 e1 d1 c0 1q-4 11-3q a2 e7 d4 e1 31-9 c0 d0 15-p b4 11-p 4b-1j a0-1 " +
  "10-u 13-5 12-5 12-5 12-2 as-2 14-b 11-p 11-i 11-1 11-e 12-d 1y-3e 11x-1g a3s 13m-s 13-1c af 1v-v 1d-t 15-11 " +
  "a0-4 15-t 12-z 14-7 11-4 116-4d 32-9 16-z 14-z 14-13 18-1f 14c-8m 19-l 1a-7 148-5 12 11-17 11-1 13 12-m 1a-m " +
  "19-u 11t-i 11-1 1a-l 1a-p 11y-1j 16-1 11s a0-2 a1-1 a5-3 10-3 11-2 11-s a2-2 a4 1w-s 13-s 1z-7 11-r a0-1 1p-1h " +
  "1a-l 1a-i 1d-h 132-20 11j-1e 1d-1e 1d-z a0-3 38-9 1cm-s 1a 18-l a0-a 13z-m a9-2 10-1g a0-e 3v-9 af-3 10-18 " +
  "a0-a a2 af 12-o 37-9 a6-2 10-z a0-d 31-9 14 a0-1 19-y a0 12 a9-2 10-1b a0-d 10-3 a4-3 33-9 10 11 1z-h 11-o " +
  "a0-b a6 11t-6 11 11-3 11-e 11-9 17-1a a0-b 35-9 a6-3 11-7 12-1 12-l 11-6 11-1 11-4 a1-1 10 a0-6 a2-1 a2-2 12 " +
  "a6 15-4 a0-1 a2-6 a3-4 13v-1g a0-h 10-3 35-9 a4 10 1w-1b a0-j 10-1 11 38-9 14m-1a a0-6 a2-8 1n-3 a0-1 1y-1b " +
  "a0-g 13 3b-9 112-16 a0-c 10 37-9 61i-q 72-e 34-9 60-1 63 15c-17 a0-e 12t-1r 30-9 1l 14g-7 12-12 a0-6 a2-6 10 " +
  "11 a0 1r a0-9 10-13 a0-6 10 a0-3 a8 18 a0-a 10-19 a0-f 13 1y-1k 17b-8 11-10 a0-7 a1-7 10 3f-9 1o-t a2-l a1-d " +
  "121-6 11-1 11-11 a0-5 a3 a1-1 a1-6 10 a0 38-9 16-5 11-1 11-v a0-4 a1-1 a1-4 10 37-9 18m-i a0-3 17d-pl 12u-32 " +
  "1h-5f 124c-tq a1-8 1347-g6 16nt-fs 17-u 31-9 12u-t a2-4 1b-1b a0-6 19-3 3c-9 19-k 15-i 1j4-1r 13k-22 a4 10 " +
  "a0-1i a7-3 10-c 11s-1 11 4cnw 50-7x 51d-2 4h-3 123c-2y 15-c 13-8 17-9 a3-1 a1-3 a43l-4 a3-l a2-6 au-3 a44-2 " +
  "1cb-2c 11-1y 11-1 12 12-1 12-3 11-b 11 11-6 11-1s 11-3 12-7 11-6 11-r 11-3 11-4 11 13-6 11-9f 12-o 11-o 11-u " +
  "11-o 11-u 11-o 11-u 11-o 11-u 11-o 11-7 32-1d ae8-1i a4-1d a8 ae am-4 a1-e a11s-6 a1-g a2-6 a1-1 a1-4 15x-18 " +
  "a3-6 10-6 32-9 14 1a9-17 a0-3 30-9 1zq-5g ab-6 115-1v a0-6 10 34-9 1x2-3 11-q 11-1 11 12 11-9 11-3 11 11 16 14 " +
  "11 11 11-2 11-1 11 12 11 11 11 11 11-1 11 12-3 11-6 11-3 11-3 11 11-9 11-g 15-2 11-4 11-g 890-73 8d-2 8v 10-p " +
  "16-p 82-3 10-p 84 82-9 8i-1k i0-p 50 80-e 8a 8k 82-8 81-3 89-c1 90-4 80-8t 88-7d 81c-3j 838-b 82d-16 8c-3 " +
  "81k-7 8a-5 814-7 8u-29 8c-1a 81-9 81-1bq 52-wye 515-378 5b-65 52-4g1 5e-5rk 52e7-f1 afher au-2n a3k-6n";

const basic = new Uint8Array(0x10000);
const astralStart: number[] = [];
const astralEnd: number[] = [];
const astralClass: number[] = [];

let next = 0;
for (const run of RUNS.split(" ")) {
  const [skip, more] = run.slice(1).split("-");
  const start = next + parseInt(skip!, 36);
  const end = start + (more === undefined ? 0 : parseInt(more, 36));
  const kind = parseInt(run[0]!, 36);
  next = end + 1;
  if (end < 0x10000) {
    basic.fill(kind, start, end + 1);
  } else {
    astralStart.push(start);
    astralEnd.push(end);
    astralClass.push(kind);
  }
}

/** The class of every code unit below U+10000 (surrogates are `other`). */
export const basicClasses: Readonly<Uint8Array> = basic;

/** The class of any code point. */
export function wordBreakClass(codePoint: number): number {
  if (codePoint < 0x10000) return basic[codePoint]!;
  let low = 0;
  let high = astralStart.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (codePoint < astralStart[middle]!) high = middle - 1;
    else if (codePoint > astralEnd[middle]!) low = middle + 1;
    else return astralClass[middle]!;
  }
  return WordBreak.other;
}
