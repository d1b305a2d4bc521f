/**
 * tslab points names of earlier cells at its shared scope, but overlooks them in `{ name }`, which then fails as not defined.
 * Written out as `{ name: name }` they are seen. The rewriting keeps every line where it was.
 */
import type * as TypeScript from "@tslab/typescript-for-tslab";

/** The cell with every shorthand property written out. Text that does not parse comes back as it is. */
export function expandShorthand(ts: typeof TypeScript, source: string): string {
  const file = ts.createSourceFile("cell.ts", source, ts.ScriptTarget.Latest, false);
  const names: { readonly end: number; readonly text: string }[] = [];
  const visit = (node: TypeScript.Node): void => {
    if (ts.isShorthandPropertyAssignment(node)) names.push({ end: node.name.end, text: node.name.text });
    ts.forEachChild(node, visit);
  };
  visit(file);
  let expanded = "";
  let from = 0;
  for (const { end, text } of names) {
    expanded += `${source.slice(from, end)}: ${text}`;
    from = end;
  }
  return expanded + source.slice(from);
}
