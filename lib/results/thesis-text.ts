/**
 * Numbers typed by hand in LaTeX text. What is left out: comments, arguments of commands that name things (labels,
 * references, citations, files, lengths, number macros), digits that belong to a name (BM25, Qwen2.5), and in formulas
 * the constants 0, 1 and 2.
 * @returns each as `line: the number and what stands around it`
 */
export function typedNumbers(tex: string): string[] {
  const named =
    /\\(?:label|ref|eqref|cite|citep|citet|input|includegraphics|fact|score|scoreci|success|successci|partmean|steps|bought|seeds|compare|shop|study|records|record|model|setting|published|vspace|hspace|url|bibliography|bibliographystyle)\*?(?:\[[^\]]*\])?(?:\{[^{}]*\})+/g;
  const blank = (text: string): string => text.replace(/[^\n]/g, " ");
  const text = tex
    .replace(/(?<!\\)%.*$/gm, blank)
    .replace(named, blank)
    .replace(/\\begin\{(equation|align)\*?\}[\s\S]*?\\end\{\1\*?\}|\$[^$]*\$/g, (math) =>
      math.replace(/(?<![\d.])[012](?![\d.])/g, " "),
    );
  return text.split("\n").flatMap((line, index) =>
    [...line.matchAll(/(?<![A-Za-z\d.@-])\d[\d.,]*/g)].map((found) => {
      const around = line.slice(Math.max(0, found.index - 20), found.index + 20).trim();
      return `${index + 1}: ${found[0]} in "${around}"`;
    }),
  );
}

/** The names of the numbers that LaTeX text asks for, as `tables/numbers.tex` has them. */
export function usedNumbers(tex: string): string[] {
  const text = tex.replace(/(?<!\\)%.*$/gm, "");
  const one = [
    ...text.matchAll(
      /\\(score|scoreci|success|successci|steps|bought|seeds|shop|study|records|record|model|setting|fact)\{([^{}]*)\}/g,
    ),
  ].map(([, macro, name]) => `${macro}/${name}`);
  const two = [...text.matchAll(/\\(partmean|published)\{([^{}]*)\}\{([^{}]*)\}/g)].map(
    ([, macro, a, b]) => `${macro === "partmean" ? "part" : macro}/${a}/${b}`,
  );
  const three = [...text.matchAll(/\\compare\{([^{}]*)\}\{([^{}]*)\}\{([^{}]*)\}/g)].map(
    ([, a, b, c]) => `compare/${a}/${b}/${c}`,
  );
  return [...new Set([...one, ...two, ...three])];
}
