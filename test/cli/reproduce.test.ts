/** What `npm start` and `aisle lab` say. */
import assert from "node:assert/strict";
import { planInWords, type Plan } from "../../lib/cli/reproduce/plan.js";
import { aisle } from "./run.js";

describe("reproduce", function () {
  this.timeout(60000);

  it("refuses a profile or a notebook that is not there, naming those that are", async () => {
    const [profile, only] = await Promise.all([
      aisle(["reproduce", "--profile", "large"]),
      aisle(["reproduce", "--only", "00,77"]),
    ]);
    assert.equal(profile.code, 2);
    assert.match(profile.stderr, /smoke, seminar, thesis/);
    assert.equal(only.code, 2);
    assert.match(only.stderr, /no notebook begins with "77"; there are 00-start-here\.ipynb/);
  });

  it("says at once what it will do and how long it takes", () => {
    const notebook = { file: "notebooks/00-a.ipynb", title: "A", cells: 7, seconds: 75, parameters: [] };
    const plan: Plan = {
      profile: "seminar",
      force: false,
      notebooks: [notebook],
      outOf: ({ file }) => file,
      makeShop: true,
      results: true,
      thesis: true,
      seconds: 95,
    };
    const words = planInWords(plan);
    assert.match(words, /^Aisle, profile seminar: about 1 min 35 s\.\n/);
    assert.match(words, /notebooks\/00-a\.ipynb +7 cells, +1 min 15 s {2}A\n/);
    assert.match(words, /the shop .*made on this first run/);
    assert.match(words, /thesis/);
  });
});

describe("lab", () => {
  it("says how to get a Jupyter where there is none", async function () {
    if (process.platform === "win32") {
      process.stderr.write("      skipped on Windows: the stand-in for a shell is not there\n");
      this.skip();
    }
    const { code, stderr } = await aisle(["lab"], { PATH: "/nonexistent" });
    assert.equal(code, 1);
    assert.match(stderr, /^aisle: Install JupyterLab first[^\n]*\n[\s\S]*aisle notebook FILE/);
  });
});
