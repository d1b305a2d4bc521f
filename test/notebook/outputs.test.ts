import assert from "node:assert/strict";
import fc from "fast-check";
import { createCollector } from "../../lib/notebook/outputs.js";
import { overwrite, StreamText } from "../../lib/notebook/stream-text.js";

describe("outputs", () => {
  it("merges neighbouring pieces of one stream and keeps the order of two", () => {
    const collector = createCollector();
    const cell = collector.begin();
    const { outputs } = cell;
    for (const [name, text] of [
      ["stdout", "a"],
      ["stdout", "b\n"],
      ["stderr", "c"],
      ["stdout", "d"],
    ])
      cell.take("stream", { name, text });
    assert.deepEqual(outputs, [
      { output_type: "stream", name: "stdout", text: "ab\n" },
      { output_type: "stream", name: "stderr", text: "c" },
      { output_type: "stream", name: "stdout", text: "d" },
    ]);
  });

  it("keeps of a progress line only its last state, even when it comes in pieces", () => {
    const collector = createCollector();
    const cell = collector.begin();
    const { outputs } = cell;
    for (const text of ["start\n", "1 %\r", "2 %", "\r3 %", "\ndone\r\n"])
      cell.take("stream", { name: "stdout", text });
    assert.deepEqual(outputs, [{ output_type: "stream", name: "stdout", text: "start\n3 %\ndone\n" }]);
    assert.equal(overwrite("a\rb\r"), "b\r");
  });

  it("takes an endless last line in time that grows with its length only", () => {
    const [piece, pieces] = ["x".repeat(1 << 16), 480];
    const cell = createCollector().begin();
    const began = performance.now();
    for (let i = 0; i < pieces; i++) cell.take("stream", { name: "stdout", text: piece });
    assert.equal(String((cell.outputs[0] as { text: string }).text).length, pieces * piece.length);
    // Taken whole at every message, these 30 MB took minutes.
    assert.ok(performance.now() - began < 2000, `${performance.now() - began} ms`);
  });

  it("shows the same text however it is cut into pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "b", "\r", "\n") })), (pieces) => {
        const stream = new StreamText();
        for (const piece of pieces) stream.add(piece);
        const whole = pieces.join("").replace(/\r+/g, "\r");
        // The definition, on the whole text: a return before a newline is nothing, one before text erases its line.
        const shown = whole.replace(/\r\n/g, "\n").replace(/[^\n\r]*\r(?=[^\n\r])/g, "");
        assert.equal(stream.text, shown);
        assert.equal(stream.length, shown.length);
      }),
    );
  });

  it("puts what an earlier cell still prints into that cell", () => {
    const collector = createCollector();
    const first = collector.begin();
    const second = collector.begin();
    second.take("stream", { name: "stdout", text: "now\n" });
    first.take("stream", { name: "stdout", text: "late\n" });
    assert.deepEqual(first.outputs, [{ output_type: "stream", name: "stdout", text: "late\n" }]);
    assert.equal(second.outputs.length, 1);
  });

  it("updates a display wherever it was shown, also from a later cell", () => {
    const collector = createCollector();
    const cell = collector.begin();
    const shown = { data: { "text/plain": "0" }, metadata: {}, transient: { display_id: "x" } };
    cell.take("display_data", shown);
    const later = collector.begin();
    later.take("display_data", shown);
    later.take("update_display_data", { ...shown, data: { "text/plain": "1" } });
    const expected = [{ output_type: "display_data", data: { "text/plain": "1" }, metadata: {} }];
    assert.deepEqual(cell.outputs, expected);
    assert.deepEqual(later.outputs, expected);
  });

  it("clears at once, or when the next output comes", () => {
    const collector = createCollector();
    const cell = collector.begin();
    const { outputs } = cell;
    cell.take("stream", { name: "stdout", text: "a" });
    cell.take("clear_output", { wait: true });
    assert.equal(outputs.length, 1);
    cell.take("stream", { name: "stdout", text: "b" });
    assert.deepEqual(outputs, [{ output_type: "stream", name: "stdout", text: "b" }]);
    cell.take("clear_output", {});
    assert.deepEqual(outputs, []);
  });

  it("keeps a result's number and an error's traceback", () => {
    const collector = createCollector();
    const cell = collector.begin();
    const { outputs } = cell;
    cell.take("execute_result", { data: { "text/plain": "1" }, metadata: {}, execution_count: 4 });
    cell.take("error", { ename: "E", evalue: "v", traceback: ["a", "b"] });
    assert.deepEqual(outputs, [
      { output_type: "execute_result", data: { "text/plain": "1" }, metadata: {}, execution_count: 4 },
      { output_type: "error", ename: "E", evalue: "v", traceback: ["a", "b"] },
    ]);
  });
});
