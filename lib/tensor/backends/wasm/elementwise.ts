import { f32, loadSplat, Value, vec, type ModuleBuilder } from "./assembler.js";
import { logistic, overFloats } from "./vectors.js";

/** Adds the kernels that touch each number once: SwiGLU, RMSNorm, rotary positions, bias, sums. */
export function addElementwise(module: ModuleBuilder): void {
  addSwiGlu(module);
  addRmsNorm(module);
  addRotary(module);
  addBias(module);
}

/** `out = silu(gate) · up`, and its two gradients (either pointer may be 0: not wanted). */
function addSwiGlu(module: ModuleBuilder): void {
  module.function("swiGlu", { gate: "i32", up: "i32", out: "i32", count: "i32" }, (f, p) => {
    overFloats(f, f.local("i32"), p.count, (round) => {
      const gate = f.let(round.load(p.gate));
      round.store(p.out, gate.mul(logistic(f, gate)).mul(round.load(p.up)));
    });
  });
  module.function(
    "swiGluGradient",
    { dy: "i32", gate: "i32", up: "i32", dGate: "i32", dUp: "i32", count: "i32" },
    (f, p) => {
      overFloats(f, f.local("i32"), p.count, (round) => {
        const gate = f.let(round.load(p.gate));
        const s = logistic(f, gate);
        const dy = f.let(round.load(p.dy));
        const silu = f.let(gate.mul(s));
        round.store(p.dUp, dy.mul(silu));
        // d silu / d gate = s + silu · (1 − s)
        round.store(p.dGate, dy.mul(round.load(p.up)).mul(s.add(silu.mul(vec(1).sub(s)))));
      });
    },
  );
}

/** `out = x · r · weight` with `r = 1 / sqrt(mean(x²) + eps)` of each row; `r` is kept for the gradient. */
function addRmsNorm(module: ModuleBuilder): void {
  module.function(
    "rmsNorm",
    { x: "i32", weight: "i32", out: "i32", inverse: "i32", rows: "i32", d: "i32", eps: "f32" },
    (f, p) => {
      const [row, at, sum] = [f.local("i32"), f.local("i32"), f.local("v128")];
      const [x, out, inverse, r] = [f.let(p.x), f.let(p.out), f.let(p.inverse), f.local("f32")];
      f.for(row, 0, p.rows, 1, () => {
        f.set(sum, vec(0));
        overFloats(f, at, p.d, (round) => {
          const v = f.let(round.load(x));
          f.set(sum, sum.add(v.mul(v)));
        });
        f.set(r, f32(1).div(Value.sumLanes(sum).div(p.d.toFloat()).add(p.eps).sqrt()));
        f.store(inverse, r);
        const scale = f.let(r.splat());
        overFloats(f, at, p.d, (round) => {
          round.store(out, round.load(x).mul(scale).mul(round.load(p.weight)));
        });
        f.set(x, x.add(p.d.mul(4)));
        f.set(out, out.add(p.d.mul(4)));
        f.set(inverse, inverse.add(4));
      });
    },
  );
  // dx = r · (w · dy − x · r² · mean(w · dy · x)); dWeight gets Σ rows of dy · x · r, and must be zero before.
  module.function(
    "rmsNormGradient",
    { dy: "i32", x: "i32", weight: "i32", inverse: "i32", dx: "i32", dWeight: "i32", rows: "i32", d: "i32" },
    (f, p) => {
      const [row, at, dot] = [f.local("i32"), f.local("i32"), f.local("v128")];
      const [x, dy, dx, inverse] = [f.let(p.x), f.let(p.dy), f.let(p.dx), f.let(p.inverse)];
      const [r, mean] = [f.local("v128"), f.local("v128")];
      f.for(row, 0, p.rows, 1, () => {
        f.set(r, loadSplat(inverse));
        f.set(dot, vec(0));
        overFloats(f, at, p.d, (round) => {
          const product = f.let(round.load(dy).mul(round.load(x)));
          f.set(dot, dot.add(product.mul(round.load(p.weight))));
          round.store(p.dWeight, round.load(p.dWeight).add(product.mul(r)));
        });
        f.set(mean, Value.sumLanes(dot).div(p.d.toFloat()).splat().mul(r).mul(r));
        overFloats(f, at, p.d, (round) => {
          round.store(dx, r.mul(round.load(p.weight).mul(round.load(dy)).sub(round.load(x).mul(mean))));
        });
        f.set(x, x.add(p.d.mul(4)));
        f.set(dy, dy.add(p.d.mul(4)));
        f.set(dx, dx.add(p.d.mul(4)));
        f.set(inverse, inverse.add(4));
      });
    },
  );
}

/** Rotates the two halves of every head by the position's angles (`rotary`), or back with the gradient (`rotaryGradient`). */
function addRotary(module: ModuleBuilder): void {
  for (const [name, backward] of [
    ["rotary", false],
    ["rotaryGradient", true],
  ] as const) {
    module.function(
      name,
      { x: "i32", cos: "i32", sin: "i32", out: "i32", positions: "i32", heads: "i32", half: "i32" },
      (f, p) => {
        const [t, h, at] = [f.local("i32"), f.local("i32"), f.local("i32")];
        const [x, out, cos, sin] = [f.let(p.x), f.let(p.out), f.let(p.cos), f.let(p.sin)];
        const halfBytes = f.let(p.half.mul(4));
        f.for(t, 0, p.positions, 1, () => {
          f.for(h, 0, p.heads, 1, () => {
            overFloats(f, at, p.half, (round) => {
              const a = f.let(round.load(x));
              const b = f.let(round.load(x.add(halfBytes)));
              const [cosA, cosB] = [round.load(cos), round.load(cos.add(halfBytes))];
              const [sinA, sinB] = [round.load(sin), round.load(sin.add(halfBytes))];
              if (backward) {
                round.store(out, a.mul(cosA).add(b.mul(sinB)));
                round.store(out.add(halfBytes), b.mul(cosB).sub(a.mul(sinA)));
              } else {
                round.store(out, a.mul(cosA).sub(b.mul(sinA)));
                round.store(out.add(halfBytes), b.mul(cosB).add(a.mul(sinB)));
              }
            });
            f.set(x, x.add(halfBytes.mul(2)));
            f.set(out, out.add(halfBytes.mul(2)));
          });
          f.set(cos, cos.add(halfBytes.mul(2)));
          f.set(sin, sin.add(halfBytes.mul(2)));
        });
      },
    );
  }
}

/** `addBias`: a row vector onto every row, in place; `sumRows`: the sum over rows, added to what is there; and two loops. */
function addBias(module: ModuleBuilder): void {
  module.function("addBias", { x: "i32", bias: "i32", rows: "i32", width: "i32" }, (f, p) => {
    const [row, at, x] = [f.local("i32"), f.local("i32"), f.let(p.x)];
    f.for(row, 0, p.rows, 1, () => {
      overFloats(f, at, p.width, (round) => round.store(x, round.load(x).add(round.load(p.bias))));
      f.set(x, x.add(p.width.mul(4)));
    });
  });
  module.function("sumRows", { x: "i32", sum: "i32", rows: "i32", width: "i32" }, (f, p) => {
    const [row, at, x] = [f.local("i32"), f.local("i32"), f.let(p.x)];
    f.for(row, 0, p.rows, 1, () => {
      overFloats(f, at, p.width, (round) => round.store(p.sum, round.load(p.sum).add(round.load(x))));
      f.set(x, x.add(p.width.mul(4)));
    });
  });
  module.function("addInto", { from: "i32", to: "i32", count: "i32" }, (f, p) => {
    overFloats(f, f.local("i32"), p.count, (round) =>
      round.store(p.to, round.load(p.to).add(round.load(p.from))),
    );
  });
}
