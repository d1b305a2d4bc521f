import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import { verbs } from "../../lib/cli/verbs.js";
import { parseGrpoRun } from "../../lib/runs/index.js";

const pages = readdirSync("docs", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".md"))
  .map((name) => join("docs", name));
const all = [...pages, "README.md"].map((path) => ({ path, text: readFileSync(path, "utf8") }));

/** The fenced blocks of a language in a page. */
function blocks(text: string, language: string): string[] {
  return [...text.matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, of, code]) =>
    of === language ? [code!] : [],
  );
}

describe("what the guides say", function () {
  this.timeout(60_000);
  let folder: string;
  // Inside the project, where an example finds the packages that it imports.
  before(() => {
    mkdirSync("data/tmp", { recursive: true });
    folder = mkdtempSync(join("data", "tmp", "docs-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs the example that a guide marks, from a file of its own, and gives what it exports. */
  async function example(guide: string, name: string): Promise<Record<string, unknown>> {
    const text = readFileSync(join("docs/guides", guide), "utf8");
    const marked = text.slice(text.indexOf(`<!-- example: ${name} -->`));
    assert.ok(marked.startsWith("<!--"), `${guide} has no example ${name}`);
    const code = blocks(marked, "ts")[0]!.replaceAll(
      '"../../lib/',
      `"${pathToFileURL(resolve("lib")).href}/`,
    );
    const file = resolve(folder, `${name}.mts`);
    writeFileSync(file, code);
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  }

  it("a shop of one's own can be shopped in", async () => {
    assert.equal((await example("your-own-shop.md", "shop"))["reward"], 1);
  });

  it("configurations in the pages are ones", () => {
    let checked = 0;
    for (const { path, text } of all) {
      for (const json of blocks(text, "json")) {
        const value = JSON.parse(json) as { kind?: unknown };
        if (value.kind !== "grpo") continue;
        parseGrpoRun(value, path);
        checked++;
      }
    }
    assert.ok(checked >= 2);
  });

  it("commands in the pages have a verb that exists, and files in configs that exist", () => {
    const program = new Command();
    for (const add of verbs) add(program);
    const known = new Set(program.commands.map((command) => command.name()));
    const configs = readdirSync("configs", { recursive: true, encoding: "utf8" }).map((name) =>
      name.replaceAll("\\", "/"),
    );
    for (const { path, text } of all) {
      for (const [, verb] of text.matchAll(/npx aisle ([a-z][a-z-]*)/g))
        assert.ok(known.has(verb!), `${path}: aisle ${verb}`);
      for (const [, file] of text.matchAll(/configs\/([\w/.-]+\.json)/g)) {
        assert.ok(configs.includes(file!), `${path}: configs/${file}`);
      }
    }
  });

  it("every algorithm that has a configuration has a page, with the same sections, and a line in the index", () => {
    const folder = "docs/algorithms";
    const index = readFileSync(join(folder, "README.md"), "utf8");
    const names = readdirSync(folder).filter((name) => name !== "README.md");
    for (const name of names) {
      const text = readFileSync(join(folder, name), "utf8");
      const sections = [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
      const wanted = ["Use", "Formula", "Configuration", "Details that matter", "Metrics", "Results"];
      assert.deepEqual(sections, wanted, name);
      assert.match(text, /<!-- results:start -->[\s\S]*\|Agent\|Measured\|[\s\S]*<!-- results:end -->/, name);
      assert.ok(index.includes(`](${name})`), `${name} is not in the index`);
    }
    const configs = readdirSync("configs").filter((name) => name.endsWith(".json"));
    for (const name of configs) {
      const { kind, preset } = JSON.parse(readFileSync(join("configs", name), "utf8")) as Record<
        string,
        string
      >;
      if (kind !== "grpo") continue;
      const pages = names.filter(
        (page) =>
          readFileSync(join(folder, page), "utf8").includes(`\`${preset}\``) ||
          readFileSync(join(folder, page), "utf8").includes(`"preset": "${preset}"`),
      );
      assert.ok(pages.length > 0, `no page speaks of the preset ${preset} of ${name}`);
    }
  });

  it("names only files of the project that are there", () => {
    const pages = [...all, { path: "CONTRIBUTING.md", text: readFileSync("CONTRIBUTING.md", "utf8") }];
    const named = /`((?:lib|test|bench|figures|configs)\/[A-Za-z0-9_./-]+)`/g;
    for (const { path, text } of pages) {
      for (const [, file] of text.matchAll(named)) assert.ok(existsSync(file!), `${path} names ${file}`);
    }
  });

  it("links between the pages lead somewhere", () => {
    for (const { path, text } of all) {
      // notebooks are held together by their own tests, and may come after the page that leads to them
      for (const [, target] of text.matchAll(/\]\((?!https?:|#|mailto:|\S*\.ipynb)([^)#\s]+)/g)) {
        assert.doesNotThrow(() => readFileSync(join(path, "..", target!)), `${path} links to ${target}`);
      }
    }
  });
});
