import assert from "node:assert/strict";
import { createCollector, overwrite } from "../../lib/notebook/outputs.js";

describe("outputs", () => {
  it("merges neighbouring pieces of one stream and keeps the order of two", () => {
    const collector = createCollector();
    const outputs = collector.begin();
    for (const [name, text] of [
      ["stdout", "a"],
      ["stdout", "b\n"],
      ["stderr", "c"],
      ["stdout", "d"],
    ])
      collector.take("stream", { name, text });
    assert.deepEqual(outputs, [
      { output_type: "stream", name: "stdout", text: "ab\n" },
      { output_type: "stream", name: "stderr", text: "c" },
      { output_type: "stream", name: "stdout", text: "d" },
    ]);
  });

  it("keeps of a progress line only its last state, even when it comes in pieces", () => {
    const collector = createCollector();
    const outputs = collector.begin();
    for (const text of ["start\n", "1 %\r", "2 %", "\r3 %", "\ndone\r\n"])
      collector.take("stream", { name: "stdout", text });
    assert.deepEqual(outputs, [{ output_type: "stream", name: "stdout", text: "start\n3 %\ndone\n" }]);
    assert.equal(overwrite("a\rb\r"), "b\r");
  });

  it("updates a display wherever it was shown, also from a later cell", () => {
    const collector = createCollector();
    const first = collector.begin();
    const shown = { data: { "text/plain": "0" }, metadata: {}, transient: { display_id: "x" } };
    collector.take("display_data", shown);
    const second = collector.begin();
    collector.take("display_data", shown);
    collector.take("update_display_data", { ...shown, data: { "text/plain": "1" } });
    const expected = [{ output_type: "display_data", data: { "text/plain": "1" }, metadata: {} }];
    assert.deepEqual(first, expected);
    assert.deepEqual(second, expected);
  });

  it("clears at once, or when the next output comes", () => {
    const collector = createCollector();
    const outputs = collector.begin();
    collector.take("stream", { name: "stdout", text: "a" });
    collector.take("clear_output", { wait: true });
    assert.equal(outputs.length, 1);
    collector.take("stream", { name: "stdout", text: "b" });
    assert.deepEqual(outputs, [{ output_type: "stream", name: "stdout", text: "b" }]);
    collector.take("clear_output", {});
    assert.deepEqual(outputs, []);
  });

  it("keeps a result's number and an error's traceback", () => {
    const collector = createCollector();
    const outputs = collector.begin();
    collector.take("execute_result", { data: { "text/plain": "1" }, metadata: {}, execution_count: 4 });
    collector.take("error", { ename: "E", evalue: "v", traceback: ["a", "b"] });
    assert.deepEqual(outputs, [
      { output_type: "execute_result", data: { "text/plain": "1" }, metadata: {}, execution_count: 4 },
      { output_type: "error", ename: "E", evalue: "v", traceback: ["a", "b"] },
    ]);
  });
});
