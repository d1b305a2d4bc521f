const escapes: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "{": "\\{",
  "}": "\\}",
  $: "\\$",
  "&": "\\&",
  "%": "\\%",
  "#": "\\#",
  _: "\\_",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "–": "--",
  "—": "---",
  "±": "$\\pm$",
  "×": "$\\times$",
  "−": "$-$",
  "…": "\\dots{}",
  "’": "'",
  "“": "``",
  "”": "''",
};

/** Plain text as LaTeX: special characters escaped, a few signs of Unicode written LaTeX's way. */
export function latexText(text: string): string {
  return text.replace(/[\\{}$&%#_~^–—±×−…’“”]/g, (character) => escapes[character]!);
}

/** A record's id in typewriter, with leave to break after each hyphen. */
export function latexId(id: string): string {
  return `\\texttt{${latexText(id).replace(/-/g, "-\\allowbreak{}")}}`;
}

/** A number as text, with a minus sign where it has a hyphen. */
export function latexNumber(text: string): string {
  return text.replace(/^-(?=[\d.])/, "$-$");
}
