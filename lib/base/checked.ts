import type { z } from "zod";
import { InputError } from "./errors.js";

/**
 * A configuration or another value of a file, checked and completed by its schema.
 * @param where what to call it in a message, e.g. the file's name
 * @throws InputError with the first thing that is wrong and where it is
 */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  where: string,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.join(".");
  throw new InputError(`In ${where}${path ? `, ${path}` : ""}: ${issue.message}.`);
}
