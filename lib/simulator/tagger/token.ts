/** A word as it stands: its text, and a norm where a special case gives it one. One object for each that is different. */
export interface Word {
  readonly text: string;
  readonly norm: string | null;
}

/** A word in a text. */
export interface Token {
  readonly word: Word;
  /** Whether one space stands after it. */
  readonly spaced: boolean;
}
