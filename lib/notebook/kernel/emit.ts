/**
 * A checked cell as JavaScript: the body of one function, in which the cell's own variables are the function's, earlier cells'
 * are properties of a shared object, and imports are properties of modules that are loaded before it runs.
 */
import type * as TypeScript from "typescript";
import type { Ts } from "./typescript.js";

/** A module that a cell imports. */
export interface CellImport {
  readonly specifier: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** The line of the import in the file, zero-based. */
  readonly line: number;
}

/** Where things lie in the file that holds a cell. */
export interface CellFile {
  readonly file: TypeScript.SourceFile;
  /** The end of what was put before the cell, and the beginning of what was put after it. */
  readonly start: number;
  readonly end: number;
}

/** Where a value is held: in a variable, or a property of one. */
export interface Held {
  readonly object: string;
  readonly property?: string;
}

/** The result of emitting: the code, and the facts found. */
export interface Emitted {
  readonly code: string;
  readonly map: string;
  readonly declarations: string;
  readonly imports: readonly CellImport[];
  /** The names of imports that have values, and where they are. */
  readonly imported: ReadonlyMap<string, Held>;
}

/** Names of what the kernel hands a cell's function; each begins with the cell's own prefix, which the cell does not use. */
export const handed = (prefix: string) => ({
  /** The shared variables. */
  scope: `${prefix}scope`,
  /** The module of the import with that number. */
  module: (index: number) => `${prefix}module${index}`,
  /** Takes the value of the last expression. */
  last: `${prefix}last`,
  /** Stands before and after each wait, for interrupts. */
  wait: `${prefix}wait`,
  each: `${prefix}each`,
  load: `${prefix}load`,
  meta: `${prefix}meta`,
});

/** Emits the cell. `ambient` are names of earlier cells that have no value there. */
export function emitCell(
  ts: Ts,
  program: TypeScript.Program,
  cell: CellFile,
  prefix: string,
  ambient: ReadonlySet<string>,
): Emitted {
  const checker = program.getTypeChecker();
  const names = handed(prefix);
  const { imports, imported, moduleOf } = importsOf(ts, checker, cell, names.module);
  let [code, map, declarations] = ["", "", ""];

  /** The meaning of a name, if it is a shared variable or an import; `undefined` for the cell's own and the world's. */
  const meaningOf = (symbol: TypeScript.Symbol | undefined): Held | undefined => {
    const declaration = symbol?.declarations?.[0];
    if (!symbol || declaration?.getSourceFile() !== cell.file) return undefined;
    if (declaration.getStart(cell.file) >= cell.start) return moduleOf.get(declaration);
    return ambient.has(symbol.name) ? undefined : { object: names.scope, property: symbol.name };
  };

  const transform: TypeScript.TransformerFactory<TypeScript.SourceFile> = (context) => {
    const { factory } = context;
    const access = ({ object, property }: Held): TypeScript.Expression => {
      const holder = factory.createIdentifier(object);
      if (property === undefined) return holder;
      return /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u.test(property)
        ? factory.createPropertyAccessExpression(holder, property)
        : factory.createElementAccessExpression(holder, factory.createStringLiteral(property));
    };
    const call = (name: string, ...args: TypeScript.Expression[]): TypeScript.Expression =>
      factory.createCallExpression(factory.createIdentifier(name), undefined, args);
    /** Called as a plain function, not as a method of what holds it. */
    const plain = (held: Held): TypeScript.Expression =>
      factory.createParenthesizedExpression(
        factory.createBinaryExpression(
          factory.createNumericLiteral(0),
          ts.SyntaxKind.CommaToken,
          access(held),
        ),
      );
    const meaning = (node: TypeScript.Expression): Held | undefined =>
      ts.isIdentifier(node) ? meaningOf(checker.getSymbolAtLocation(node)) : undefined;
    const visitExpression = (node: TypeScript.Expression): TypeScript.Expression =>
      ts.visitNode(node, visit, ts.isExpression);

    const visit = (node: TypeScript.Node): TypeScript.VisitResult<TypeScript.Node> => {
      if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return node;
      if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return node;
      if (ts.isHeritageClause(node) && node.token === ts.SyntaxKind.ImplementsKeyword) return node;
      if (ts.isIdentifier(node)) {
        const held = isName(ts, node) ? undefined : meaning(node);
        return held === undefined ? node : ts.setTextRange(access(held), node);
      }
      if (ts.isShorthandPropertyAssignment(node)) {
        const held = meaningOf(checker.getShorthandAssignmentValueSymbol(node));
        const fallback =
          node.objectAssignmentInitializer && visitExpression(node.objectAssignmentInitializer);
        if (held === undefined)
          return fallback ? factory.updateShorthandPropertyAssignment(node, node.name, fallback) : node;
        const value = fallback ? factory.createAssignment(access(held), fallback) : access(held);
        return ts.setTextRange(factory.createPropertyAssignment(node.name.text, value), node);
      }
      if (ts.isCallExpression(node)) {
        if (node.expression.kind === ts.SyntaxKind.ImportKeyword)
          return ts.setTextRange(call(names.load, ...node.arguments.map(visitExpression)), node);
        const held = meaning(node.expression);
        if (held !== undefined) {
          const callee = ts.setTextRange(plain(held), node.expression);
          const args = node.arguments.map(visitExpression);
          return ts.isCallChain(node)
            ? factory.updateCallChain(node, callee, node.questionDotToken, node.typeArguments, args)
            : factory.updateCallExpression(node, callee, node.typeArguments, args);
        }
      }
      if (ts.isTaggedTemplateExpression(node)) {
        const held = meaning(node.tag);
        if (held !== undefined)
          return factory.updateTaggedTemplateExpression(
            node,
            ts.setTextRange(plain(held), node.tag),
            node.typeArguments,
            ts.visitNode(node.template, visit, ts.isTemplateLiteral),
          );
      }
      if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword)
        return ts.setTextRange(factory.createIdentifier(names.meta), node);
      if (ts.isAwaitExpression(node))
        return factory.updateAwaitExpression(
          node,
          ts.setTextRange(call(names.wait, visitExpression(node.expression)), node.expression),
        );
      if (ts.isForOfStatement(node) && node.awaitModifier)
        return factory.updateForOfStatement(
          node,
          node.awaitModifier,
          ts.visitNode(node.initializer, visit, ts.isForInitializer),
          ts.setTextRange(call(names.each, visitExpression(node.expression)), node.expression),
          ts.visitNode(node.statement, visit, ts.isStatement),
        );
      return ts.visitEachChild(node, visit, context);
    };

    const asLast = (statement: TypeScript.Statement, value: TypeScript.Expression): TypeScript.Statement =>
      ts.setTextRange(factory.createExpressionStatement(call(names.last, value)), statement);

    return (file) => {
      if (file.fileName !== cell.file.fileName) return file;
      const own = file.statements.filter(
        (one) =>
          one.getStart(file) >= cell.start &&
          one.getStart(file) < cell.end &&
          !ts.isImportDeclaration(one) &&
          !ts.isExportDeclaration(one),
      );
      const last = own.filter((one) => !ts.isEmptyStatement(one)).at(-1);
      const statements = own.map((one): TypeScript.Statement => {
        const visited = visit(one) as TypeScript.Statement;
        if (ts.isExportAssignment(visited))
          return one === last
            ? asLast(one, visited.expression)
            : ts.setTextRange(factory.createExpressionStatement(visited.expression), one);
        if (one === last && ts.isExpressionStatement(visited)) return asLast(one, visited.expression);
        return withoutExport(ts, factory, visited);
      });
      return factory.updateSourceFile(
        file,
        ts.setTextRange(factory.createNodeArray(statements), file.statements),
      );
    };
  };
  // TypeScript marks a module that has lost its imports and exports by `export {}`.
  const unmark: TypeScript.TransformerFactory<TypeScript.SourceFile> = (context) => (file) =>
    context.factory.updateSourceFile(
      file,
      file.statements.filter((statement) => !ts.isExportDeclaration(statement)),
    );
  const write: TypeScript.WriteFileCallback = (name, text) => {
    if (name.endsWith(".d.ts")) declarations = text;
    else if (name.endsWith(".map")) map = text;
    else code = text;
  };
  program.emit(cell.file, write, undefined, false, { before: [transform], after: [unmark] });
  return {
    code: code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"),
    map,
    declarations,
    imports,
    imported,
  };
}

/** Whether an identifier is only a name: of a property, a label, a declaration. */
function isName(ts: Ts, node: TypeScript.Identifier): boolean {
  const { parent } = node;
  if (!parent) return false;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isPropertyAssignment(parent)) return parent.name === node;
  if (ts.isBindingElement(parent)) return parent.name === node || parent.propertyName === node;
  if (ts.isLabeledStatement(parent)) return parent.label === node;
  if (ts.isBreakOrContinueStatement(parent)) return true;
  return (
    (ts.isVariableDeclaration(parent) ||
      ts.isParameter(parent) ||
      ts.isFunctionLike(parent) ||
      ts.isClassLike(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isEnumDeclaration(parent) ||
      ts.isEnumMember(parent) ||
      ts.isModuleDeclaration(parent)) &&
    parent.name === node
  );
}

function withoutExport(
  ts: Ts,
  factory: TypeScript.NodeFactory,
  node: TypeScript.Statement,
): TypeScript.Statement {
  if (!ts.canHaveModifiers(node)) return node;
  const modifiers = node.modifiers?.filter(
    ({ kind }) => kind !== ts.SyntaxKind.ExportKeyword && kind !== ts.SyntaxKind.DefaultKeyword,
  );
  if (!modifiers || modifiers.length === node.modifiers?.length) return node;
  if (ts.isVariableStatement(node))
    return factory.updateVariableStatement(node, modifiers, node.declarationList);
  if (ts.isFunctionDeclaration(node)) {
    if (node.name)
      return factory.updateFunctionDeclaration(
        node,
        modifiers,
        node.asteriskToken,
        node.name,
        node.typeParameters,
        node.parameters,
        node.type,
        node.body,
      );
    return factory.createEmptyStatement(); // `export default function () {}`: nothing can call it
  }
  if (ts.isClassDeclaration(node))
    return factory.updateClassDeclaration(
      node,
      modifiers,
      node.name ?? factory.createUniqueName("nameless"),
      node.typeParameters,
      node.heritageClauses,
      node.members,
    );
  if (ts.isEnumDeclaration(node))
    return factory.updateEnumDeclaration(node, modifiers, node.name, node.members);
  if (ts.isModuleDeclaration(node))
    return factory.updateModuleDeclaration(node, modifiers, node.name, node.body);
  return node;
}

/** The modules that the cell's code needs, without those of which it takes only types. */
function importsOf(
  ts: Ts,
  checker: TypeScript.TypeChecker,
  cell: CellFile,
  module: (index: number) => string,
) {
  const imports: CellImport[] = [];
  const imported = new Map<string, Held>();
  const moduleOf = new Map<TypeScript.Node, Held>();
  const isValue = (name: TypeScript.Identifier): boolean => {
    const symbol = checker.getSymbolAtLocation(name);
    if (!symbol || !(symbol.flags & ts.SymbolFlags.Alias)) return true;
    const target = checker.getAliasedSymbol(symbol);
    // What cannot be resolved (a package without types) is taken for a value.
    return target.declarations === undefined || (target.flags & ts.SymbolFlags.Value) !== 0;
  };
  for (const statement of cell.file.statements) {
    const start = statement.getStart(cell.file);
    if (start < cell.start || start >= cell.end) continue;
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
    const { moduleSpecifier } = statement;
    if (!moduleSpecifier || !ts.isStringLiteral(moduleSpecifier)) continue;
    const reference = module(imports.length);
    const clause = ts.isImportDeclaration(statement) ? statement.importClause : undefined;
    if (clause ? clause.isTypeOnly : ts.isExportDeclaration(statement) && statement.isTypeOnly) continue;
    let values = clause === undefined ? 1 : 0;
    const give = (node: TypeScript.Node, name: TypeScript.Identifier, held: Held): void => {
      if (!isValue(name)) return;
      values++;
      moduleOf.set(node, held);
      imported.set(name.text, held);
    };
    if (clause?.name) give(clause, clause.name, { object: reference, property: "default" });
    const bindings = clause?.namedBindings;
    if (bindings && ts.isNamespaceImport(bindings)) give(bindings, bindings.name, { object: reference });
    else if (bindings) {
      for (const element of bindings.elements)
        if (!element.isTypeOnly)
          give(element, element.name, {
            object: reference,
            property: (element.propertyName ?? element.name).text,
          });
      if (bindings.elements.length === 0) values++;
    }
    if (values === 0) continue;
    const attributes: Record<string, string> = {};
    for (const { name, value } of statement.attributes?.elements ?? [])
      if (ts.isStringLiteral(value)) attributes[name.text] = value.text;
    imports.push({
      specifier: moduleSpecifier.text,
      attributes,
      line: cell.file.getLineAndCharacterOfPosition(statement.getStart(cell.file)).line,
    });
  }
  return { imports, imported, moduleOf };
}
