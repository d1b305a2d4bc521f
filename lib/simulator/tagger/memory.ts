/** The kernel's memory by name: places counted in numbers of four bytes, and matrices in the order in which the kernel reads them. */
import { compileKernel, type Kernel, type Multiply, PANEL, PANELS } from "./kernel.js";
import { PIECES, WIDTH } from "./model.js";

const FLOAT = 4;

/** A matrix in panels, its bias, and what is done with the results. */
export interface PackedLayer {
  readonly panels: number;
  readonly matrix: number;
  readonly bias: number;
  readonly inputs: number;
  /** Whether the greatest of three pieces is kept. */
  readonly maxout: boolean;
}

/** A layer normalisation's numbers. */
export interface PackedNorm {
  readonly gain: number;
  readonly shift: number;
}

/** Hands out places one after the other. */
export class Layout {
  #next = 0;

  /** A place for this many numbers, at a multiple of 16 bytes. */
  take(count: number): number {
    const at = this.#next;
    this.#next += Math.ceil(count / 4) * 4;
    return at;
  }

  get size(): number {
    return this.#next;
  }
}

/** The numbers and the loops over them. All places are indices of `cells`. */
export class KernelMemory {
  readonly cells: Float32Array;
  readonly #kernel: Kernel;

  constructor(layout: Layout) {
    this.#kernel = compileKernel(layout.size * FLOAT);
    this.cells = new Float32Array(this.#kernel.memory.buffer);
  }

  /** Multiplies rows, WIDTH numbers apart, with a layer; results lie WIDTH numbers apart too. */
  multiply(layer: PackedLayer, rows: number, out: number, count: number): void {
    const { maxout, plain } = this.#kernel;
    const by = layer.maxout ? maxout : plain;
    const blocks = Math.floor(count / by.length);
    const rest = count % by.length;
    const restAt = blocks * by.length * WIDTH;
    for (let panel = 0; panel < layer.panels; panel++) {
      const to = out + panel * (layer.maxout ? PANEL / PIECES : PANEL);
      if (blocks > 0) this.#panel(by[by.length - 1]!, layer, panel, rows, to, blocks);
      if (rest > 0) this.#panel(by[rest - 1]!, layer, panel, rows + restAt, to + restAt, 1);
    }
  }

  #panel(by: Multiply, layer: PackedLayer, panel: number, rows: number, out: number, blocks: number): void {
    const matrix = layer.matrix + panel * layer.inputs * PANEL;
    const bias = layer.bias + panel * PANEL;
    by(rows * FLOAT, matrix * FLOAT, bias * FLOAT, out * FLOAT, layer.inputs, blocks);
  }

  /** The first window layer of one token, from its and its neighbours' products. */
  addThree(left: number, middle: number, right: number, out: number): void {
    this.#kernel.addThree(left * FLOAT, middle * FLOAT, right * FLOAT, out * FLOAT);
  }

  /** Normalises rows, WIDTH numbers apart, and adds residuals. */
  normalise({ gain, shift }: PackedNorm, rows: number, residual: number, count: number): void {
    this.#kernel.normalise(rows * FLOAT, residual * FLOAT, gain * FLOAT, shift * FLOAT, count);
  }

  /**
   * Copies a part of a maxout layer's matrix into panels: the pieces of four units beside each other.
   * @param matrix [WIDTH, PIECES, inputs].
   * @param from first of the inputs taken.
   * @param count how many inputs are taken.
   */
  packMaxout(at: number, matrix: Float32Array, inputs: number, from = 0, count = inputs): void {
    for (let panel = 0, next = at; panel < PANELS; panel++) {
      for (let input = from; input < from + count; input++) {
        for (let output = 0; output < PANEL; output++) {
          const unit = panel * (PANEL / PIECES) + (output % 4);
          this.cells[next++] = matrix[(unit * PIECES + Math.floor(output / 4)) * inputs + input]!;
        }
      }
    }
  }

  /** Copies a matrix [outputs, inputs] into panels of outputs in their order; those beyond the last are zero. */
  packPlain(at: number, matrix: Float32Array, outputs: number, inputs: number): void {
    for (let panel = 0, next = at; panel < outputs; panel += PANEL) {
      for (let input = 0; input < inputs; input++) {
        for (let output = panel; output < panel + PANEL; output++) {
          this.cells[next++] = output < outputs ? matrix[output * inputs + input]! : 0;
        }
      }
    }
  }
}
