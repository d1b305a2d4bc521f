/** Patterns of an adapter's configuration: Python's regular expressions over the names of a model's modules. */
import { InputError, messageOf } from "../../base/index.js";

/** How PEFT holds a pattern against a module's name. */
export type PatternUse =
  /** `re.fullmatch(pattern, name)`. */
  | "whole"
  /** `re.match(rf"(.*\.)?({pattern})$", name)`. */
  | "end"
  /** `re.match(rf"(?:^|.*?\.){pattern}\.(?P<idx>\d+)\.", name)`, the number in the group `idx`. */
  | "layers";

/**
 * A pattern as a regular expression of JavaScript. With the flag `u` what the two languages read differently is an error in
 * JavaScript (`\A`, `\Z`, `(?P<…>)`, `{,n}`, a lone bracket), so that a pattern that is accepted means the same.
 * @param where names the file, `key` the entry, in errors
 * @throws InputError when the pattern cannot be read here
 */
export function pythonPattern(pattern: string, use: PatternUse, where: string, key: string): RegExp {
  try {
    new RegExp(pattern, "u"); // on its own first: what surrounds it below must not complete it
    if (use === "whole") return new RegExp(`^(?:${pattern})$`, "u");
    if (use === "end") return new RegExp(`^(.*\\.)?(${pattern})$`, "u");
    return new RegExp(`^(?:^|.*?\\.)${pattern}\\.(?<idx>\\d+)\\.`, "u");
  } catch (error) {
    throw new InputError(
      `${where}: the pattern "${pattern}" in "${key}" cannot be read here (${messageOf(error)}); name the modules instead.`,
    );
  }
}
