/** Parameters of a run in a file, as papermill's `-f` reads them: YAML (of which JSON is a part), one name a line. */
import { InputError, readText } from "../base/index.js";
import type { ParameterValue } from "./parameters.js";

/**
 * Reads a file of parameters.
 * @throws InputError when it cannot be read, is not YAML or is not a mapping from names to values.
 */
export async function readParameterFile(file: string): Promise<Record<string, ParameterValue>> {
  const { parseDocument } = await import("yaml");
  const document = parseDocument(readText(file, "parameter file"), { prettyErrors: true, logLevel: "error" });
  const problem = document.errors[0];
  if (problem) {
    const [what] = problem.message.split("\n");
    throw new InputError(`The parameter file ${file} is not YAML: ${what!.replace(/:$/, "")}.`);
  }
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new InputError(`The parameter file ${file} cannot be used: ${(error as Error).message}.`);
  }
  if (content === null) return {};
  if (typeof content !== "object" || Array.isArray(content))
    throw new InputError(`The parameter file ${file} must map names to values, one a line, like "seed: 7".`);
  return Object.fromEntries(
    Object.entries(content).map(([name, value]) => [name, { value: value as unknown }]),
  );
}
