import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { openEnvironment, splitRanges } from "../../lib/simulator/index.js";
import { makeShop, type TestShop } from "./shop.js";

/** Stands in for the packages where they are not installed: as much of them as one episode touches. `.ci/run` has the real ones. */
const STUBS: Readonly<Record<string, string>> = {
  "numpy.py": "",
  "gymnasium/__init__.py": `
import random

class Numbers:
    def __init__(self, seed):
        self.numbers = random.Random(seed)

    def integers(self, low, high):
        return self.numbers.randrange(low, high)

class Env:
    def reset(self, *, seed=None):
        self.np_random = Numbers(seed)

class spaces:
    class Text:
        def __init__(self, max_length, min_length=1):
            self.max_length = max_length

        def __contains__(self, x):
            return self.contains(x)
`,
  "gymnasium/vector/__init__.py": "",
  "gymnasium/vector/utils.py": `
class read_from_shared_memory:
    register = staticmethod(lambda kind: lambda reader: reader)
`,
};

describe("serve: the Python wrapper of docs/serve.md", function () {
  this.timeout(60_000);
  let shop: TestShop;
  before(async () => {
    shop = await makeShop();
  });
  after(() => shop.remove());

  it("plays the page's own episode", function () {
    const python = ["python3", "python"].find((name) => spawnSync(name, ["--version"]).status === 0);
    if (!python) {
      process.stderr.write("      skipped: there is no python3 on this machine\n");
      this.skip();
    }
    const blocks = [...readFileSync("docs/serve.md", "utf8").matchAll(/```python\n(.*?)```/gs)].map(
      (m) => m[1]!,
    );
    assert.equal(blocks.length, 2);
    const [wrapper, episode] = blocks as [string, string];
    const folder = dirname(shop.folder);
    const command = JSON.stringify([
      process.execPath,
      resolve("lib/aisle.mjs"),
      "serve",
      "--stdio",
      "--data",
      shop.folder,
    ]);
    const goal = shop.catalogue.goalCount - 1;
    const play = episode
      .replace('AisleEnv(mode="text")', `AisleEnv(${command}, mode="text")`)
      .replace("reset(seed=7)", `reset(seed=7, options={"goal": ${goal}})`)
      .replace("print(done", "print(observation); print(done");
    assert(play.includes(`"goal": ${goal}`) && play.includes(command));
    const script = join(folder, "episode.py");
    writeFileSync(
      script,
      `${wrapper}\n\n${play}\ntry:\n    AisleEnv(${command}).ask(op="fly")\nexcept ValueError as error:\n    print(error)\n` +
        `drawn = AisleEnv(${command})\nprint(*[drawn.reset()[1]["goal"] for _ in range(20)])\ndrawn.close()\n`,
    );
    const env: NodeJS.ProcessEnv = { ...process.env, PYTHONIOENCODING: "utf-8" };
    if (spawnSync(python, ["-c", "import gymnasium"], { env }).status !== 0) {
      const stub = join(folder, "stub");
      for (const [name, text] of Object.entries(STUBS)) {
        mkdirSync(dirname(join(stub, name)), { recursive: true });
        writeFileSync(join(stub, name), text);
      }
      env["PYTHONPATH"] = stub;
    }
    const run = spawnSync(python, [script], { env, encoding: "utf8" });
    assert.equal(run.status, 0, run.stderr);

    const ours = openEnvironment(shop.catalogue);
    const { instruction } = shop.catalogue.goal(goal);
    const results = ours.step(ours.reset({ goal }), `search[${instruction}]`);
    const item = ours.step(results.state, `click[${ours.actions(results.state).click[2]}]`);
    const bought = ours.step(item.state, "click[buy now]");
    const lines = run.stdout.replaceAll("\r\n", "\n").trimEnd().split("\n");
    assert.equal(lines[0], bought.observation);
    const reward = /^True (\S+) \['category_match', 'query_match', 'r_att'/.exec(lines[1]!)?.[1];
    assert.equal(Number(reward), bought.reward);
    assert.match(lines[2]!, /"op" must be one of/);
    const { start, end } = splitRanges(shop.catalogue.goalCount).train;
    const drawn = lines[3]!.split(" ").map(Number);
    assert(drawn.length === 20 && new Set(drawn).size > 5);
    assert(drawn.every((one) => one >= start && one < end));
  });
});
