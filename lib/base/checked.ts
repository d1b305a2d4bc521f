import type { z } from "zod";
import { InputError } from "./errors.js";
import { didYouMean } from "./suggest.js";

/**
 * A configuration or another value of a file, checked and completed by its schema.
 * @param where what to call it in a message, e.g. the file's name
 * @throws InputError with the first thing that is wrong and where it is, and for an unknown key the known one that it is like
 */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  where: string,
): z.output<Schema> {
  const parsed = schema.safeParse(withoutMinusZero(value));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.join(".");
  const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const meant = unknown === undefined ? "" : didYouMean(unknown, keysAt(schema, issue.path));
  throw new InputError(`In ${where}${path ? `, ${path}` : ""}: ${issue.message}.${meant}`);
}

/** A copy in which −0 is 0: JSON can say it but does not keep it, so that what was stored would not be what was meant. */
function withoutMinusZero(value: unknown): unknown {
  if (typeof value === "number") return value === 0 ? 0 : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutMinusZero);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutMinusZero(inner)]));
}

/** The internals of a schema that are read; each kind of schema has some of it. */
interface Inside {
  readonly def?: { readonly innerType?: Inside; readonly options?: readonly Inside[] };
  readonly shape?: Readonly<Record<string, Inside>>;
}

/** The keys that an object may have at a path of a schema, through defaults, optionals and unions; none where it is no object. */
function keysAt(schema: unknown, path: readonly PropertyKey[]): string[] {
  return objectsIn(schema as Inside).flatMap(({ shape = {} }) => {
    const [name, ...rest] = path;
    if (name === undefined) return Object.keys(shape);
    const inner = shape[String(name)];
    return inner ? keysAt(inner, rest) : [];
  });
}

function objectsIn(schema: Inside): Inside[] {
  if (schema.shape) return [schema];
  const { innerType, options = [] } = schema.def ?? {};
  return [...(innerType ? [innerType] : []), ...options].flatMap(objectsIn);
}
