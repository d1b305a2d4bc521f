/** Demonstrations as JSON Lines. */
import { InputError, messageOf, readText, writeFileWhole } from "../../base/index.js";
import { type Demonstration, DemonstrationSchema } from "./types.js";

/**
 * Writes demonstrations, one a line; the file appears whole or not at all.
 * @throws RunError when it cannot be written
 */
export function writeDemonstrations(path: string, demonstrations: Iterable<Demonstration>): void {
  let text = "";
  for (const one of demonstrations) text += `${JSON.stringify(one)}\n`;
  writeFileWhole(path, text);
}

/**
 * Reads demonstrations and checks every line.
 * @throws InputError naming the line that is wrong
 */
export function readDemonstrations(path: string): Demonstration[] {
  const result: Demonstration[] = [];
  readText(path, "file of demonstrations")
    .split(/\r?\n/)
    .forEach((line, i) => {
      if (line.trim() === "") return;
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch (error) {
        throw new InputError(`Line ${i + 1} of ${path} is not JSON: ${messageOf(error)}.`);
      }
      const parsed = DemonstrationSchema.safeParse(value);
      if (!parsed.success) {
        const issue = parsed.error.issues[0]!;
        throw new InputError(
          `Line ${i + 1} of ${path} is not a demonstration: "${issue.path.join(".")}": ${issue.message}.`,
        );
      }
      result.push(parsed.data);
    });
  if (result.length === 0) throw new InputError(`${path} holds no demonstrations.`);
  return result;
}
