/** The names that cells have declared: where each one's type is found, and what a later cell may do with it. */

/** A name that later cells see. */
export interface KnownName {
  /** The file in memory that exports it. */
  readonly file: string;
  /** It may be assigned to. */
  readonly assignable: boolean;
  /** It has a value, and where that is: among the shared variables, or only in the world (`declare const …`). */
  readonly value: "shared" | "world" | "none";
}

/**
 * The code before a cell by which TypeScript knows the names of earlier ones: imports, and for what may be assigned to a
 * declaration, since an import cannot be. Whole lines.
 */
export function preludeOf(names: Iterable<readonly [string, KnownName]>): string {
  const imports = new Map<string, string[]>();
  let variables = "";
  for (const [name, { file, assignable }] of names) {
    const from = JSON.stringify(`./${file}.js`);
    if (assignable) variables += `declare let ${name}: typeof import(${from}).${name};\n`;
    else imports.set(from, [...(imports.get(from) ?? []), name]);
  }
  const lines = [...imports].map(([from, list]) => `import { ${list.join(", ")} } from ${from};\n`);
  return lines.join("") + variables;
}
