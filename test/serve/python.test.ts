import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { openEnvironment } from "../../lib/simulator/index.js";
import { makeShop, type TestShop } from "./shop.js";

/** Stands in for the package where it is not installed: as much of it as the wrapper touches. */
const STUB = `
class Env:
    pass

class spaces:
    class Text:
        def __init__(self, max_length):
            self.max_length = max_length
`;

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
    assert(wrapper.trim().split("\n").length <= 36);
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
      .replace('"goal": 1500', `"goal": ${goal}`)
      .replace("print(done", "print(observation); print(done");
    assert.notEqual(play, episode);
    const script = join(folder, "episode.py");
    writeFileSync(
      script,
      `${wrapper}\n\n${play}\ntry:\n    AisleEnv(${command}).ask(op="fly")\nexcept ValueError as error:\n    print(error)\n`,
    );
    const env: NodeJS.ProcessEnv = { ...process.env, PYTHONIOENCODING: "utf-8" };
    if (spawnSync(python, ["-c", "import gymnasium"], { env }).status !== 0) {
      const stub = join(folder, "stub");
      mkdirSync(stub);
      writeFileSync(join(stub, "gymnasium.py"), STUB);
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
  });
});
