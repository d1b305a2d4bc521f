/** A cell's outputs, made from the kernel's messages as every Jupyter client makes them. */
import type { Output } from "./nbformat.js";
import type { Content } from "./wire.js";

/** The outputs of a run, cell by cell: displays can be updated from later cells. */
export interface OutputCollector {
  /** Starts a cell's list of outputs, which fills from now on. */
  begin(): Output[];
  /** Takes one iopub message in. */
  take(type: string, content: Content): void;
}

/** An empty collector. */
export function createCollector(): OutputCollector {
  let outputs: Output[] = [];
  let clearNext = false;
  const displays = new Map<string, Extract<Output, { data: unknown }>[]>();

  const add = (output: Output): void => {
    if (clearNext) outputs.length = 0;
    clearNext = false;
    outputs.push(output);
  };
  return {
    begin() {
      outputs = [];
      clearNext = false;
      return outputs;
    },
    take(type, content) {
      switch (type) {
        case "stream": {
          const [name, text] = [String(content["name"]), String(content["text"])];
          const last = outputs.at(-1);
          if (!clearNext && last?.output_type === "stream" && last.name === name) {
            last.text = overwrite(last.text + text);
          } else if (text !== "") add({ output_type: "stream", name, text: overwrite(text) });
          break;
        }
        case "display_data":
        case "execute_result": {
          const data = asRecord(content["data"]);
          const metadata = asRecord(content["metadata"]);
          const output =
            type === "display_data"
              ? ({ output_type: type, data, metadata } as const)
              : ({
                  output_type: type,
                  data,
                  metadata,
                  execution_count: asCount(content["execution_count"]),
                } as const);
          add(output);
          const id = asRecord(content["transient"])["display_id"];
          if (typeof id === "string") displays.set(id, [...(displays.get(id) ?? []), output]);
          break;
        }
        case "update_display_data": {
          const id = asRecord(content["transient"])["display_id"];
          for (const output of displays.get(String(id)) ?? []) {
            output.data = asRecord(content["data"]);
            output.metadata = asRecord(content["metadata"]);
          }
          break;
        }
        case "error":
          add({
            output_type: "error",
            ename: String(content["ename"]),
            evalue: String(content["evalue"]),
            traceback: Array.isArray(content["traceback"]) ? content["traceback"].map(String) : [],
          });
          break;
        case "clear_output":
          if (content["wait"] === true) clearNext = true;
          else outputs.length = 0;
          break;
      }
    },
  };
}

/**
 * What a terminal would show: text after a carriage return replaces its line, so that a progress line leaves only its last state.
 * A carriage return at the very end is kept for what may follow.
 */
export function overwrite(text: string): string {
  return text.replace(/\r+\n/g, "\n").replace(/[^\n\r]*\r+(?=[^\n\r])/g, "");
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function asCount(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
