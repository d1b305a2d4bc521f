import { codeOf } from "../base/index.js";

/**
 * Lets a reader go away: `aisle records | head -1` has read enough, and that is no failure. What is written afterwards is
 * dropped; work that is under way goes on to its end.
 */
export function letReadersGo(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error) => {
      if (codeOf(error) !== "EPIPE") throw error;
    });
  }
}
