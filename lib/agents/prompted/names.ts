/** How variants of the prompted agent are called, in records and tables. */
export interface Variant {
  /** A folder, a hub id or an endpoint's name; the last part of it is used. */
  readonly model: string;
  readonly protocol: "two-decision" | "multi-turn" | "react";
  readonly examples: number;
  /** Absent: the agent's own. */
  readonly temperature?: number | undefined;
}

/** For example `prompted:qwen2.5-7b-instruct:react:2-shot:t0`. Only "prompted" is the shipped base model's plain one. */
export function variantName({ model, protocol, examples, temperature }: Variant): string {
  const short = model.split(/[\\/]/).filter(Boolean).pop() ?? model;
  return [
    "prompted",
    short.toLowerCase(),
    ...(protocol === "two-decision" ? [] : [protocol]),
    ...(examples > 0 ? [`${examples}-shot`] : []),
    ...(temperature === undefined ? [] : [`t${temperature}`]),
  ].join(":");
}
