import { InputError } from "../../base/index.js";

/** Worker threads of a run whose configuration does not name them: AISLE_WORKERS, else 2. The number changes no bit. */
export function workerCount(): number {
  const text = process.env["AISLE_WORKERS"] ?? "2";
  if (!/^\d+$/.test(text)) throw new InputError(`AISLE_WORKERS must be a whole number, not "${text}".`);
  return Number(text);
}
