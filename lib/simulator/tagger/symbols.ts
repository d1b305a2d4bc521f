/**
 * Names that spaCy knows by fixed small numbers instead of by their hash. Only those are listed that a norm (lower
 * case), a prefix or suffix (up to three characters) or a shape can be; the numbers are part of its file format.
 */
const SYMBOLS: Readonly<Record<string, number>> = {
  ID: 64,
  POS: 74,
  TAG: 75,
  DEP: 76,
  X: 101,
  EOL: 102,
  ORG: 383,
  GPE: 384,
  LOC: 385,
  LAW: 390,
  IDX: 455,
  _: 456,
};

/** Names with consecutive numbers, from the one given. */
const RUNS: readonly (readonly [first: number, names: string])[] = [
  [84, "ADJ ADP ADV AUX"],
  [90, "DET"],
  [93, "NUM"],
  [99, "SYM"],
  [
    398,
    "acomp advcl advmod agent amod appos attr aux auxpass cc ccomp complm conj cop csubj csubjpass dep det dobj expl " +
      "hmod hyph infmod intj iobj mark meta neg nmod nn npadvmod nsubj nsubjpass num number oprd obj obl parataxis " +
      "partmod pcomp pobj poss possessive preconj prep prt punct quantmod relcl rcmod root xcomp acl",
  ],
];

/** The fixed number of each listed name. */
export const SYMBOL_NUMBERS: ReadonlyMap<string, bigint> = new Map([
  ...Object.entries(SYMBOLS).map(([name, number]) => [name, BigInt(number)] as const),
  ...RUNS.flatMap(([first, names]) => names.split(" ").map((name, i) => [name, BigInt(first + i)] as const)),
]);
