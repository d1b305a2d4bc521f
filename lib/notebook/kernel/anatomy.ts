/** The structure of a cell, as far as its syntax tells: what it declares, what it names, whether it waits. */
import type * as TypeScript from "typescript";
import type { Ts } from "./typescript.js";

/** A name that a cell declares for later cells. */
export interface Declared {
  readonly name: string;
  /** By `let` or `var`: later cells may assign to it. */
  readonly assignable: boolean;
  /** By an import. */
  readonly imported: boolean;
  /** `declare …`: it has no value of the cell's own. */
  readonly ambient: boolean;
}

/** The syntax of one cell. */
export interface Anatomy {
  readonly declared: ReadonlyMap<string, Declared>;
  /** Names that the cell exports itself. */
  readonly exported: ReadonlySet<string>;
  /** Every identifier in it, also those of properties. */
  readonly identifiers: ReadonlySet<string>;
  /** Whether it waits outside of functions: `await`, `for await`, `await using`. */
  readonly waits: boolean;
  /** Whether it adds to the types of all modules (`declare global`, `declare module "…"`). */
  readonly augments: boolean;
}

type Kind = "let" | "var" | "fixed" | "import";

/** Looks through a parsed cell. */
export function anatomyOf(ts: Ts, file: TypeScript.SourceFile): Anatomy {
  const declared = new Map<string, Declared>();
  const exported = new Set<string>();
  const identifiers = new Set<string>();
  let [waits, augments] = [false, false];

  const has = (node: TypeScript.Node, kind: TypeScript.SyntaxKind): boolean =>
    ts.canHaveModifiers(node) && (ts.getModifiers(node)?.some((modifier) => modifier.kind === kind) ?? false);
  const add = (node: TypeScript.Node, name: string, kind: Kind): void => {
    const ambient = has(node, ts.SyntaxKind.DeclareKeyword);
    const known = declared.get(name);
    declared.set(name, {
      name,
      assignable: kind === "let" || kind === "var" || (known?.assignable ?? false),
      imported: kind === "import",
      ambient: ambient && (known?.ambient ?? true),
    });
    if (has(node, ts.SyntaxKind.ExportKeyword) && !has(node, ts.SyntaxKind.DefaultKeyword))
      exported.add(name);
  };
  const addBinding = (node: TypeScript.Node, name: TypeScript.BindingName, kind: Kind): void => {
    if (ts.isIdentifier(name)) add(node, name.text, kind);
    else
      for (const element of name.elements)
        if (ts.isBindingElement(element)) addBinding(node, element.name, kind);
  };
  const addList = (
    node: TypeScript.Node,
    list: TypeScript.VariableDeclarationList,
    onlyVar: boolean,
  ): void => {
    const block = list.flags & ts.NodeFlags.BlockScoped;
    if (onlyVar && block) return;
    const kind = !block ? "var" : block === ts.NodeFlags.Let ? "let" : "fixed";
    for (const { name } of list.declarations) addBinding(node, name, kind);
  };
  const addImports = (clause: TypeScript.ImportClause | undefined): void => {
    if (clause?.name) add(clause, clause.name.text, "import");
    const bindings = clause?.namedBindings;
    if (!bindings) return;
    if (ts.isNamespaceImport(bindings)) add(bindings, bindings.name.text, "import");
    else for (const element of bindings.elements) add(element, element.name.text, "import");
  };

  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement)) addList(statement, statement.declarationList, false);
    else if (ts.isImportDeclaration(statement)) addImports(statement.importClause);
    else if (ts.isExportDeclaration(statement)) {
      const clause = statement.exportClause;
      if (clause && ts.isNamedExports(clause))
        for (const { name } of clause.elements) exported.add(name.text);
    } else if (ts.isModuleDeclaration(statement)) {
      if (ts.isStringLiteral(statement.name) || statement.flags & ts.NodeFlags.GlobalAugmentation)
        augments = true;
      else add(statement, statement.name.text, "fixed");
    } else if (
      ts.isFunctionDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isEnumDeclaration(statement) ||
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement) ||
      ts.isImportEqualsDeclaration(statement)
    ) {
      if (statement.name) add(statement, statement.name.text, "fixed");
    }
  }

  const visit = (node: TypeScript.Node, outside: boolean): void => {
    if (ts.isIdentifier(node)) identifiers.add(node.text);
    if (outside) {
      // A `var` in a block or a loop belongs to the whole cell.
      if (ts.isVariableDeclarationList(node) && !ts.isVariableStatement(node.parent))
        addList(node, node, true);
      else if (ts.isVariableStatement(node) && node.parent !== file)
        addList(node, node.declarationList, true);
      if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) waits = true;
      if (ts.isVariableDeclarationList(node)) {
        const block = node.flags & ts.NodeFlags.BlockScoped;
        if (block === ts.NodeFlags.AwaitUsing) waits = true;
      }
    }
    const within =
      outside &&
      !ts.isFunctionLike(node) &&
      !ts.isModuleBlock(node) &&
      !ts.isClassStaticBlockDeclaration(node);
    ts.forEachChild(node, (child) => visit(child, within));
  };
  visit(file, true);
  return { declared, exported, identifiers, waits, augments };
}
