import assert from "node:assert/strict";
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { TestKernel, textOf } from "./helpers.js";

describe("a file that is edited while a notebook runs", function () {
  this.timeout(60000);
  const kernel = new TestKernel();
  const folder = "data/tmp/changes-test";
  let seconds = Date.now() / 1000;
  /** Writes a file with a later time each time. */
  const write = (name: string, text: string): void => {
    writeFileSync(`${folder}/${name}`, text);
    seconds += 10;
    utimesSync(`${folder}/${name}`, seconds, seconds);
  };
  before(() => mkdirSync(folder, { recursive: true }));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("is told of in one line, once for each edit, also when another file imports it", async () => {
    write("deep.ts", "export const depth = 1;\n");
    write("top.ts", 'import { depth } from "./deep.js";\nexport const top = (): number => depth;\n');
    assert.equal(await kernel.value(`import { top } from "./${folder}/top.js";\ntop()`), "1");
    const told = async (): Promise<string> => textOf((await kernel.run("top();")).outputs, "stderr");
    assert.equal(await told(), "");
    write("deep.ts", "export const depth = 2;\n");
    assert.equal(
      await told(),
      `${folder}/deep.ts has changed since this kernel loaded it: cells run the old code until the kernel is restarted.\n`,
    );
    assert.equal(await told(), "", "once");
    write("deep.ts", "export const depth = 3;\n");
    write("top.ts", 'import { depth } from "./deep.js";\nexport const top = (): number => depth + 1;\n');
    assert.match(
      await told(),
      /^data\/tmp\/changes-test\/\w+\.ts and 1 more file have changed since this kernel loaded them: .*\n$/,
    );
    write("deep.ts", "export const depth = 1;\n");
    assert.equal(await told(), "", "it is again what was loaded");
  });
});
