import assert from "node:assert/strict";
import path from "node:path";
import fc from "fast-check";
import { InputError, RunError } from "../../lib/base/index.js";
import { formatNotebook, parseNotebook, readNotebook, writeNotebook } from "../../lib/notebook/index.js";
import { book, cell, put, temporaryFolder } from "./helpers.js";

/** What Python's nbformat 5 writes for this notebook, byte for byte. */
const GOLDEN = `{
 "cells": [
  {
   "cell_type": "markdown",
   "metadata": {},
   "source": [
    "# Title\\n",
    "\\n",
    "text"
   ]
  },
  {
   "cell_type": "code",
   "execution_count": 1,
   "metadata": {},
   "outputs": [
    {
     "data": {
      "application/json": {
       "a": [
        1
       ]
      },
      "image/svg+xml": [
       "<svg>\\n",
       "</svg>"
      ],
      "text/plain": [
       "é"
      ]
     },
     "metadata": {},
     "output_type": "display_data"
    }
   ],
   "source": []
  }
 ],
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 4
}
`;

describe("notebook files", () => {
  const folder = temporaryFolder();

  it("writes what Jupyter writes", () => {
    const code = {
      ...cell(""),
      execution_count: 1,
      outputs: [
        {
          output_type: "display_data" as const,
          metadata: {},
          data: { "text/plain": "é", "image/svg+xml": "<svg>\n</svg>", "application/json": { a: [1] } },
        },
      ],
    };
    assert.equal(formatNotebook(book(cell("# Title\n\ntext"), code)), GOLDEN);
    assert.equal(formatNotebook(parseNotebook(GOLDEN, "golden")), GOLDEN);
  });

  it("keeps what it does not know, and any text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        // zod drops a "__proto__" key on purpose
        fc.dictionary(
          fc.string().filter((key) => key !== "__proto__"),
          fc.jsonValue({ maxDepth: 2 }).filter((value) => !JSON.stringify(value).includes("__proto__")),
        ),
        (source, given) => {
          const metadata = JSON.parse(JSON.stringify(given)) as Record<string, unknown>;
          const text = formatNotebook({
            ...book({ ...cell(source), metadata, attachments: { a: 1 } }),
            metadata,
          });
          const back = parseNotebook(text, "x");
          assert.equal(back.cells[0]!.source, source);
          assert.deepEqual(back.cells[0]!["attachments"], { a: 1 });
          assert.equal(formatNotebook(back), text);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("says what is wrong with what is no notebook", () => {
    const wrong: [string, RegExp][] = [
      ["", /is not JSON/],
      ['{"cells": [', /is not JSON/],
      ["[]", /not a Jupyter notebook/],
      ["null", /not a Jupyter notebook/],
      ['{"cells": [], "metadata": {}, "nbformat": 3, "nbformat_minor": 0}', /format 3/],
      ['{"metadata": {}, "nbformat": 4, "nbformat_minor": 4}', /at cells/],
      [
        '{"cells": [{"cell_type": "code"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}',
        /at cells.0.source/,
      ],
    ];
    for (const [content, message] of wrong) {
      const file = put(folder, "wrong.ipynb", content);
      assert.throws(
        () => readNotebook(file),
        (error) => error instanceof InputError && message.test(error.message),
      );
    }
    assert.throws(() => readNotebook(path.join(folder, "none.ipynb")), /does not exist/);
    assert.throws(() => readNotebook(folder), /folder/);
  });

  it("writes whole or not at all", () => {
    const file = put(folder, "file", "x");
    assert.throws(() => writeNotebook(path.join(file, "below.ipynb"), book()), RunError);
  });
});
