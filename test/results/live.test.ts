import { strict as assert } from "node:assert";
import {
  CurveHistory,
  curvesChart,
  curvesText,
  devMetrics,
  liveCurves,
  lossCurves,
  lossMetrics,
  renderChart,
  rlCurves,
  smoothed,
  sparkline,
} from "../../lib/results/index.js";

/** Metrics of an iteration whose return grows. */
const metricsAt = (i: number): Record<string, number> => ({
  "return/mean": i / 20,
  success_rate: i / 40,
  entropy: 2 - i / 20,
  "kl_old/k3": 0,
  "clip/frac": 0,
  grad_norm: 1,
  ...(i % 5 === 0 ? { "dev/score": 50 + i, "dev/success": 20 + i } : {}),
});

describe("live curves", function () {
  this.timeout(20_000);

  it("smooth over what came before", () => {
    const points = [1, 2, 3, 10].map((value, step) => ({ step, value }));
    assert.deepEqual(
      smoothed(points, 2).map(({ value }) => value),
      [1, 1.5, 2.5, 6.5],
    );
  });

  it("keep per cents, and dev goals on the scale of the line", () => {
    const history = new CurveHistory(rlCurves);
    for (let i = 0; i <= 5; i++) history.add(i, i === 0 ? { "dev/score": 50 } : metricsAt(i));
    assert.deepEqual(history.lines.get("success_rate")!.at(-1), { step: 5, value: 12.5 });
    assert.deepEqual(history.dots.get("return/mean"), [
      { step: 0, value: 0.5 },
      { step: 5, value: 0.55 },
    ]);
    history.add(6, { entropy: NaN });
    assert.equal(history.lines.get("entropy")!.length, 5, "what is not a number has no point");
  });

  it("are the same picture every time, as wide as a page at most", async () => {
    const draw = (): Promise<string> => {
      const history = new CurveHistory(rlCurves);
      for (let i = 1; i <= 20; i++) history.add(i, metricsAt(i));
      return renderChart(curvesChart(history, 20, "iteration"));
    };
    const svg = await draw();
    assert.equal(await draw(), svg);
    assert.ok(Number(/width="(\d+)"/.exec(svg)![1]) <= 610);
    for (const { label } of rlCurves) assert.ok(svg.includes(label), label);
    assert.doesNotMatch(svg, /NaN|undefined/);
  });

  it("show the time left while a run goes on, and leave none behind", async () => {
    const shown: string[] = [];
    const chart = liveCurves("test", {
      curves: rlCurves,
      steps: 20,
      every: 0,
      place: { show: (bundle) => void shown.push(String(bundle["image/svg+xml"])) },
    });
    for (let i = 1; i <= 20; i++) {
      chart.add(i, metricsAt(i));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await chart.end();
    assert.ok(shown.length >= 2);
    assert.match(shown[0]!, /iteration 1 of 20, .* left/);
    assert.doesNotMatch(shown.at(-1)!, /left|of 20/);
    const history = new CurveHistory(rlCurves);
    for (let i = 1; i <= 20; i++) history.add(i, metricsAt(i));
    assert.equal(shown.at(-1), await renderChart(curvesChart(history, 20, "iteration")));
  });

  it("are lines of blocks in a terminal", () => {
    assert.equal(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 20), "▁▂▃▄▅▆▇█");
    assert.equal(sparkline([0, 0, 7, 7], 2), "▁█");
    assert.equal(sparkline([3, 3], 9), "▄▄");
    const history = new CurveHistory(rlCurves);
    for (let i = 1; i <= 10; i++) history.add(i, metricsAt(i));
    const lines = curvesText(history, 100);
    assert.equal(lines.length, rlCurves.length);
    assert.match(lines[0]!, /^mean return .*▁.*█ +0\.05 → 0\.28 {2}dev 0\.60$/);
  });

  it("show imitation's losses by task", () => {
    const curves = lossCurves(["query", "select"]);
    const history = new CurveHistory(curves);
    const losses = { query: 2, select: 3 };
    history.add(1, lossMetrics({ step: 1, steps: 2, learningRate: 1, gradNorm: 4, losses, tokens: 9 }));
    history.add(1, devMetrics({ step: 1, values: { query: 1.5, loss: 2 } }));
    assert.deepEqual(history.lines.get("loss/select"), [{ step: 1, value: 3 }]);
    assert.deepEqual(history.dots.get("loss/query"), [{ step: 1, value: 1.5 }]);
    assert.deepEqual(history.lines.get("grad_norm"), [{ step: 1, value: 4 }]);
  });
});
