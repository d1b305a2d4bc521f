import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stream } from "../../lib/base/index.js";
import { imitateKind } from "../../lib/runs/index.js";
import { saveTinyModel, tinyShop } from "./tiny-run.js";

describe("a model after imitation", () => {
  const root = mkdtempSync(join(tmpdir(), "aisle-imitate-kind-"));
  const environment = tinyShop();
  before(() => saveTinyModel(join(root, "model"), environment));
  after(() => rmSync(root, { recursive: true, force: true }));

  /** What is asked first of the agent that a configuration's model is. */
  async function firstTask(tasks: object): Promise<string> {
    const config = imitateKind.parse(
      {
        ...(JSON.parse(readFileSync("configs/il-act.json", "utf8")) as object),
        ...{ out: join(root, "out"), from: join(root, "model"), tasks },
      },
      "a test",
    );
    const options = { shownAs: "one", modelName: "one", expected: "make it" };
    const agent = await imitateKind.agentOf(config, join(root, "model"), options);
    const { decisions } = await agent.play(environment, 0, stream(0, "first"));
    await agent.dispose?.();
    return decisions![0]!.task;
  }

  it("plays by the protocol that it was taught", async () => {
    const none = { share: 0 };
    assert.equal(await firstTask({ query: none, select: none, act: { share: 1 } }), "act");
    assert.equal(await firstTask({ query: { share: 1 }, select: { share: 1 } }), "query");
    assert.equal(await firstTask({ query: { share: 1 }, act: { share: 1 } }), "query");
  });
});
