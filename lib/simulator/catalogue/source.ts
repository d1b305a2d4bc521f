import type { HumanInstruction, SyntheticInstruction } from "../goals.js";
import type { Product } from "../types.js";

/** One product with the requests that people, or a template, made for it. */
export interface SourceRecord {
  readonly product: Product;
  readonly human?: readonly HumanInstruction[] | undefined;
  readonly synthetic?: SyntheticInstruction | null | undefined;
}

/** Which requests become goals. */
export type GoalKind = "human" | "synthetic";

/** Where a catalogue comes from: its products in load order, one at a time. */
export interface CatalogueSource {
  /** In words, for messages and the manifest; no path of this machine. */
  readonly name: string;
  readonly goals: GoalKind;
  /** Yields each ASIN once. */
  records(): Iterable<SourceRecord> | AsyncIterable<SourceRecord>;
  /** The fraction of the source that was read, from 0 to 1. */
  done?(): number;
}
