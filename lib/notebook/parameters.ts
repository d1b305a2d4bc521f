/**
 * Parameters of a notebook, as papermill has them: the cell tagged `parameters` declares names with their defaults, and a run
 * with other values gets a cell tagged `injected-parameters` after it, which declares them again.
 */
import type * as TypeScript from "typescript";
import { InputError } from "../base/index.js";
import { loadTypeScript } from "./kernel/typescript.js";
import type { Cell, Notebook } from "./nbformat.js";

/** One parameter, as the notebook declares it. */
export interface Parameter {
  readonly name: string;
  /** The kind of value of its default: `json` for arrays, objects and `null`. */
  readonly kind: "string" | "number" | "boolean" | "json";
  /** `const` or `let`, and the type as written, both kept when it is declared again. */
  readonly keyword: string;
  readonly annotation: string | undefined;
  readonly initial: string;
}

/** A value for a parameter: as text from a command line, or as it stands in a file. */
export type ParameterValue = string | { readonly value: unknown };

/** Whether a cell carries a tag. */
export function hasTag(cell: Cell, tag: string): boolean {
  const tags = cell.metadata["tags"];
  return Array.isArray(tags) && tags.includes(tag);
}

/** The parameters that a notebook declares. */
export function parametersOf(book: Notebook): Parameter[] {
  const cell = book.cells.find((one) => one.cell_type === "code" && hasTag(one, "parameters"));
  return cell ? declaredIn(cell.source) : [];
}

/**
 * The notebook with given values (`--param k=v`, or those of a file) in a cell after its parameters; an earlier such cell is taken out first,
 * and without values nothing is put in.
 * @throws InputError for a name that the notebook does not declare (with those that it does) or a value of another type.
 */
export function withParameters(
  book: Notebook,
  values: Readonly<Record<string, ParameterValue>>,
  name: string,
): Notebook {
  const cells = book.cells.filter((cell) => !hasTag(cell, "injected-parameters"));
  const names = Object.keys(values);
  if (names.length === 0) return { ...book, cells };
  const declared = parametersOf(book);
  const possible =
    declared.length > 0
      ? `it has ${declared.map((one) => one.name).join(", ")}`
      : 'it has none (no cell is tagged "parameters")';
  const lines = names.map((key) => {
    const parameter = declared.find((one) => one.name === key);
    if (!parameter) throw new InputError(`The notebook ${name} has no parameter "${key}": ${possible}.`);
    const type = parameter.annotation ? `: ${parameter.annotation}` : "";
    return `${parameter.keyword} ${key}${type} = ${literal(parameter, values[key]!)};`;
  });
  const at = cells.findIndex((cell) => cell.cell_type === "code" && hasTag(cell, "parameters"));
  const injected: Cell = {
    cell_type: "code",
    ...(book.nbformat_minor >= 5 && { id: "injected-parameters" }),
    metadata: { tags: ["injected-parameters"] },
    source: `// Parameters of this run\n${lines.join("\n")}`,
    outputs: [],
    execution_count: null,
  };
  return { ...book, cells: [...cells.slice(0, at + 1), injected, ...cells.slice(at + 1)] };
}

/**
 * Splits `k=v` arguments.
 * @throws InputError for one without a name or `=`, or a name given twice.
 */
export function parseParameters(given: readonly string[]): Record<string, string> {
  // Without a prototype, so that "__proto__" is a name like others.
  const values = Object.create(null) as Record<string, string>;
  for (const one of given) {
    const at = one.indexOf("=");
    if (at <= 0) throw new InputError(`A parameter is given as name=value, not "${one}".`);
    const key = one.slice(0, at).trim();
    if (Object.hasOwn(values, key)) throw new InputError(`The parameter "${key}" is given twice.`);
    values[key] = one.slice(at + 1);
  }
  return values;
}

/** The value as it stands in code. */
function literal(parameter: Parameter, given: ParameterValue): string {
  const { name, kind, initial } = parameter;
  const wrong = (what: string): InputError =>
    new InputError(
      `The parameter "${name}" is ${what} (${initial} unless given), not ${typeof given === "string" ? `"${given}"` : JSON.stringify(given.value)}.`,
    );
  if (typeof given !== "string") {
    const { value } = given;
    if (kind === "number" && !Number.isFinite(value)) throw wrong("a number");
    if (kind === "boolean" && typeof value !== "boolean") throw wrong("true or false");
    if (kind === "string" && typeof value !== "string") throw wrong("text, which a file has in quotes");
    return inCode(value, name);
  }
  switch (kind) {
    case "string":
      return JSON.stringify(given);
    case "number":
      if (given.trim() === "" || !Number.isFinite(Number(given))) throw wrong("a number");
      return String(Number(given));
    case "boolean":
      if (given !== "true" && given !== "false") throw wrong("true or false");
      return given;
    case "json":
      try {
        return inCode(JSON.parse(given), name);
      } catch (error) {
        if (error instanceof InputError) throw error;
        throw wrong("a JSON value");
      }
  }
}

/** JSON is code but for one name: `"__proto__": x` would set the prototype. */
function inCode(value: unknown, parameter: string): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined || /"__proto__":/.test(text))
    throw new InputError(`The value of the parameter "${parameter}" cannot be written as code.`);
  return text;
}

function declaredIn(source: string): Parameter[] {
  const ts = loadTypeScript(process.cwd());
  const file = ts.createSourceFile("parameters.ts", source, ts.ScriptTarget.ES2022, true);
  return file.statements.filter(ts.isVariableStatement).flatMap((statement) =>
    statement.declarationList.declarations.flatMap((declaration): Parameter[] => {
      const { name, initializer, type } = declaration;
      if (!ts.isIdentifier(name) || !initializer) return [];
      const initial = initializer.getText(file);
      return [
        {
          name: name.text,
          kind: kindOf(ts, initializer),
          keyword: statement.declarationList.flags & ts.NodeFlags.Const ? "const" : "let",
          annotation: type?.getText(file),
          initial,
        },
      ];
    }),
  );
}

function kindOf(ts: typeof TypeScript, value: TypeScript.Expression): Parameter["kind"] {
  if (ts.isAsExpression(value) || ts.isSatisfiesExpression(value) || ts.isParenthesizedExpression(value))
    return kindOf(ts, value.expression);
  if (ts.isStringLiteralLike(value) || ts.isTemplateExpression(value)) return "string";
  if (ts.isNumericLiteral(value) || ts.isPrefixUnaryExpression(value)) return "number";
  if (value.kind === ts.SyntaxKind.TrueKeyword || value.kind === ts.SyntaxKind.FalseKeyword) return "boolean";
  return "json";
}
