import type { TopLevelSpec } from "vega-lite";
import type { MainResult, StudyShop } from "../main-results.js";
import type { Published } from "../published.js";
import type { Ablation } from "../ablations.js";
import type { JudgedFile } from "../../credit/index.js";
import type { TrainingRecord } from "../../records/index.js";
import type { SampleEpisode } from "../sample-episode.js";

/** A training record and the metrics of its iterations, oldest first. */
export interface TrainingCurve {
  readonly record: TrainingRecord;
  readonly metrics: readonly Readonly<Record<string, number>>[];
  /** Wall time of its iterations, as it was noted when the run was made. */
  readonly seconds: number | null;
}

/** The data of figures and tables: the shop, the records that belong to it, and what others printed. */
export interface StudyData {
  readonly shop: StudyShop;
  readonly results: readonly MainResult[];
  readonly published: Published;
  /** Training records of this shop, by name and seed, with their metrics. */
  readonly training: readonly TrainingCurve[];
  readonly ablations: readonly Ablation[];
  /** An episode to look at; null where there is no shop to play it in, or no record to choose it by. */
  readonly episode: SampleEpisode | null;
  /** Decisions with their sampled values; null where none were. */
  readonly judged: JudgedFile | null;
}

/** One figure of the thesis: what it shows, the query that feeds it, and its Vega-Lite spec. */
export interface Figure {
  /** File name without extension. */
  readonly name: string;
  /** Its content, in a sentence: title of the SVG and alternative text of the picture. */
  readonly title: string;
  /** The chart; its data are inside it. */
  spec(data: StudyData): TopLevelSpec;
}
