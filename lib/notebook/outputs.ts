/** Cells' outputs, made from the kernel's messages as every Jupyter client makes them. */
import type { Output } from "./nbformat.js";
import { StreamText } from "./stream-text.js";
import type { Content } from "./wire.js";

/** The outputs of one cell, which fill as messages come. */
export interface CellOutputs {
  readonly outputs: Output[];
  /** Takes one iopub message in. A cell may still print when later ones run: its messages belong here. */
  take(type: string, content: Content): void;
}

/** The outputs of a run: displays can be updated from later cells. */
export interface OutputCollector {
  /** Starts a cell's list of outputs. */
  begin(): CellOutputs;
}

type Shown = Extract<Output, { data: unknown }>;

/** An empty collector. */
export function createCollector(): OutputCollector {
  const displays = new Map<string, Shown[]>();
  return { begin: () => new CellCollector(displays) };
}

class CellCollector implements CellOutputs {
  readonly outputs: Output[] = [];
  private clearNext = false;
  /** The stream output that grows, and its text so far. */
  private growing:
    { readonly output: Extract<Output, { name: string }>; readonly text: StreamText } | undefined;

  constructor(private readonly displays: Map<string, Shown[]>) {}

  take(type: string, content: Content): void {
    switch (type) {
      case "stream":
        this.print(String(content["name"]), String(content["text"]));
        break;
      case "display_data":
      case "execute_result":
        this.show(type, content);
        break;
      case "update_display_data":
        for (const output of this.displays.get(displayId(content) ?? "") ?? []) {
          output.data = asRecord(content["data"]);
          output.metadata = asRecord(content["metadata"]);
        }
        break;
      case "error":
        this.add({
          output_type: "error",
          ename: String(content["ename"]),
          evalue: String(content["evalue"]),
          traceback: Array.isArray(content["traceback"]) ? content["traceback"].map(String) : [],
        });
        break;
      case "clear_output":
        if (content["wait"] === true) this.clearNext = true;
        else this.outputs.length = 0;
        break;
    }
  }

  private add(output: Output): void {
    if (this.clearNext) this.outputs.length = 0;
    this.clearNext = false;
    this.outputs.push(output);
  }

  private print(name: string, text: string): void {
    const grows =
      !this.clearNext && this.growing?.output.name === name && this.outputs.at(-1) === this.growing.output;
    if (!grows) {
      if (text === "") return;
      this.growing = { output: { output_type: "stream", name, text: "" }, text: new StreamText() };
      this.add(this.growing.output);
    }
    this.growing!.text.add(text);
    this.growing!.output.text = this.growing!.text.text;
  }

  private show(type: "display_data" | "execute_result", content: Content): void {
    const data = asRecord(content["data"]);
    const metadata = asRecord(content["metadata"]);
    const output: Shown =
      type === "display_data"
        ? { output_type: type, data, metadata }
        : { output_type: type, data, metadata, execution_count: asCount(content["execution_count"]) };
    this.add(output);
    const id = displayId(content);
    if (id !== undefined) this.displays.set(id, [...(this.displays.get(id) ?? []), output]);
  }
}

function displayId(content: Content): string | undefined {
  const id = asRecord(content["transient"])["display_id"];
  return typeof id === "string" ? id : undefined;
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function asCount(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
