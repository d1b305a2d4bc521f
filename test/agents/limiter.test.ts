import { strict as assert } from "node:assert";
import { limiter } from "../../lib/agents/prompted/limiter.js";

describe("a limit of requests a minute", () => {
  it("does not wait for a clock that was set back", async () => {
    const { now } = Date;
    try {
      const enter = limiter(1, 2, 200);
      for (let i = 0; i < 2; i++) (await enter())();
      Date.now = () => now() - 3_600_000;
      const began = performance.now();
      (await enter())();
      const waited = performance.now() - began;
      assert.ok(waited > 100 && waited < 2000, `${waited} ms`);
    } finally {
      Date.now = now;
    }
  });

  it("starts no more than so many in any minute", async () => {
    const enter = limiter(10, 3, 100);
    const started: number[] = [];
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const leave = await enter();
        started.push(performance.now());
        leave();
      }),
    );
    started.sort((a, b) => a - b);
    for (let i = 3; i < started.length; i++) assert.ok(started[i]! - started[i - 3]! > 95);
  });
});
