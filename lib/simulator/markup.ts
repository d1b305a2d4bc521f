/** A page as a tree of elements: written out as HTML, or read by the rules that make text observations of it. */
export interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (Element | string)[];
}

/** A text that a shopper sees, with the element around it. */
export interface VisibleText {
  readonly text: string;
  readonly parent: Element;
}

/** An element; children that are `null` are left out. */
export function element(
  tag: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Element | string | null)[]
): Element {
  return { tag, attributes, children: children.filter((child): child is Element | string => child !== null) };
}

/** The page as a document, every text and attribute escaped. */
export function toHtml(title: string, body: readonly Element[]): string {
  return (
    `<!DOCTYPE html>\n<html>\n<head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>\n<body>\n` +
    `${body.map(write).join("\n")}\n</body>\n</html>\n`
  );
}

const VOID = new Set(["br", "input", "img"]);

function write(node: Element | string): string {
  if (typeof node === "string") return escapeHtml(node);
  const attributes = Object.entries(node.attributes).map(
    ([name, value]) => ` ${name}="${escapeHtml(value)}"`,
  );
  const open = `<${node.tag}${attributes.join("")}>`;
  if (VOID.has(node.tag)) return open;
  // A line break between elements, never beside a text, whose white space an observation would show.
  const parts = node.children.map((child, i) => {
    const between = i > 0 && typeof child !== "string" && typeof node.children[i - 1] !== "string";
    return (between ? "\n" : "") + write(child);
  });
  return `${open}${parts.join("")}</${node.tag}>`;
}

/** Escapes a text for HTML. NUL cannot stand in a document, and a bare carriage return would be read as a line break. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'\0\r]/g, (character) => ESCAPES[character]!);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
  "\0": "\ufffd",
  "\r": "&#13;",
};

/** The texts of a page in order. White space between elements does not show; see `textNode` for that inside. */
export function visibleTexts(body: readonly Element[]): VisibleText[] {
  const texts: VisibleText[] = [];
  const visit = (parent: Element): void => {
    for (const child of parent.children) {
      if (typeof child !== "string") visit(child);
      else {
        const text = textNode(child);
        if (text !== null) texts.push({ text, parent });
      }
    }
  };
  body.forEach(visit);
  return texts;
}

/**
 * A text as BeautifulSoup keeps it and WebShop shows it (docs/webshop.md §5), or null where it does not show: nothing but
 * ASCII white space shrinks to one space, or, with a line break in it, to "\n", which is dropped.
 */
export function textNode(text: string): string | null {
  if (text === "") return null;
  const first = text.charCodeAt(0);
  // Nearly every text starts with a letter: no need to look at the rest.
  if (first > 0x20 || /[^ \n\t\f\r]/.test(text)) return text;
  return text.includes("\n") ? null : " ";
}
