import {
  f32,
  i32,
  loadF32,
  loadI32,
  loadSplat,
  loadVec,
  Value,
  vec,
  type Local,
  type ModuleBuilder,
} from "./assembler.js";
import { exponential, overFloats } from "./vectors.js";

/** Adds the row-wise kernels: attention weights over ranges of columns, and the statistics and gradient of a vocabulary's logits. */
export function addSoftmax(module: ModuleBuilder): void {
  addAttentionWeights(module);
  addLogits(module);
}

const LOWEST = -3.4028234663852886e38;

/**
 * A block of scores, `rows` × `columns`. Each row sees the columns of its `perRow` ranges (pairs of int32, ascending); the
 * others become zero.
 */
function addAttentionWeights(module: ModuleBuilder): void {
  // scores -> weights in place; keeps each row's largest scaled score and the inverse of its sum.
  module.function(
    "attentionWeights",
    {
      scores: "i32",
      rows: "i32",
      columns: "i32",
      ranges: "i32",
      perRow: "i32",
      scale: "f32",
      largest: "i32",
      inverse: "i32",
    },
    (f, p) => {
      const [row, k, at] = [f.local("i32"), f.local("i32"), f.local("i32")];
      const [start, end, done] = [f.local("i32"), f.local("i32"), f.local("i32")];
      const [x, range] = [f.let(p.scores), f.let(p.ranges)];
      const [most, sum, low, total] = [f.local("v128"), f.local("v128"), f.local("f32"), f.local("f32")];
      const scale = f.let(p.scale.splat());
      const eachRange = (body: () => void): void => {
        f.for(k, 0, p.perRow, 1, () => {
          f.set(start, loadI32(range.add(k.mul(8))));
          f.set(end, loadI32(range.add(k.mul(8)), 4));
          body();
        });
      };
      const zeros = (from: Value, to: Value): void => {
        overFloats(f, at, to, (round) => round.store(x, vec(0)), from);
      };
      f.for(row, 0, p.rows, 1, () => {
        f.set(low, f32(LOWEST));
        eachRange(() => {
          // A single lane's loads are zero in the other lanes, which must not count as scores: hence the scalar.
          const endBytes = f.let(end.mul(4));
          f.set(most, vec(LOWEST));
          f.for(at, start.mul(4), endBytes.sub(12), 16, () => f.set(most, most.max(loadVec(x.add(at)))));
          f.set(low, low.max(Value.maxLanes(most)));
          f.while(at.lessThan(endBytes), () => {
            f.set(low, low.max(loadF32(x.add(at))));
            f.set(at, at.add(4));
          });
        });
        f.set(total, f32(0));
        f.set(done, i32(0));
        const peak = f.let(low.splat());
        eachRange(() => {
          f.if(done.lessThan(start), () => zeros(done, start));
          const endBytes = f.let(end.mul(4));
          f.set(sum, vec(0));
          f.for(at, start.mul(4), endBytes.sub(12), 16, () => {
            const e = exponential(f, loadVec(x.add(at)).sub(peak).mul(scale));
            f.store(x.add(at), e);
            f.set(sum, sum.add(e));
          });
          f.set(total, total.add(Value.sumLanes(sum)));
          f.while(at.lessThan(endBytes), () => {
            const e = exponential(f, loadSplat(x.add(at)).sub(peak).mul(scale));
            f.storeLane(x.add(at), e);
            f.set(total, total.add(e.lane(0)));
            f.set(at, at.add(4));
          });
          f.if(done.lessThan(end), () => f.set(done, end));
        });
        zeros(done, p.columns);
        // A row that sees nothing has sum 0, and gets weights 0.
        const inverse = f.let(f32(0));
        f.if(total.equals(0).equals(0), () => f.set(inverse, f32(1).div(total)));
        f.store(p.largest.add(row.mul(4)), low);
        f.store(p.inverse.add(row.mul(4)), inverse);
        const factor = f.let(inverse.splat());
        overFloats(f, at, p.columns, (round) => round.store(x, round.load(x).mul(factor)));
        f.set(x, x.add(p.columns.mul(4)));
        f.set(range, range.add(p.perRow.mul(8)));
      });
    },
  );

  // scores -> weights (from the kept largest and inverse) in `scores`; dWeights -> dScores in `dWeights`:
  // dS = scale · P · (dP − D), with D the row's sum of dO · O.
  module.function(
    "attentionGradient",
    {
      scores: "i32",
      dWeights: "i32",
      rows: "i32",
      columns: "i32",
      ranges: "i32",
      perRow: "i32",
      scale: "f32",
      largest: "i32",
      inverse: "i32",
      dots: "i32",
    },
    (f, p) => {
      const [row, k, at] = [f.local("i32"), f.local("i32"), f.local("i32")];
      const [start, end, done] = [f.local("i32"), f.local("i32"), f.local("i32")];
      const [x, dx, range] = [f.let(p.scores), f.let(p.dWeights), f.let(p.ranges)];
      const scale = f.let(p.scale.splat());
      const zeros = (from: Value, to: Value): void => {
        overFloats(
          f,
          at,
          to,
          (round) => {
            round.store(x, vec(0));
            round.store(dx, vec(0));
          },
          from,
        );
      };
      f.for(row, 0, p.rows, 1, () => {
        const peak = f.let(loadSplat(p.largest.add(row.mul(4))));
        const inverse = f.let(loadSplat(p.inverse.add(row.mul(4))));
        const dot = f.let(loadSplat(p.dots.add(row.mul(4))));
        f.set(done, i32(0));
        f.for(k, 0, p.perRow, 1, () => {
          f.set(start, loadI32(range.add(k.mul(8))));
          f.set(end, loadI32(range.add(k.mul(8)), 4));
          f.if(done.lessThan(start), () => zeros(done, start));
          overFloats(
            f,
            at,
            end,
            (round) => {
              const weight = f.let(exponential(f, round.load(x).sub(peak).mul(scale)).mul(inverse));
              round.store(x, weight);
              round.store(dx, weight.mul(round.load(dx).sub(dot)).mul(scale));
            },
            start,
          );
          f.if(done.lessThan(end), () => f.set(done, end));
        });
        zeros(done, p.columns);
        f.set(x, x.add(p.columns.mul(4)));
        f.set(dx, dx.add(p.columns.mul(4)));
        f.set(range, range.add(p.perRow.mul(8)));
      });
    },
  );

  // dots[row] = Σ a[row] · b[row] over `width` floats; rows lie `step` bytes apart.
  module.function(
    "rowDots",
    { a: "i32", b: "i32", dots: "i32", rows: "i32", width: "i32", step: "i32" },
    (f, p) => {
      const [row, at, sum] = [f.local("i32"), f.local("i32"), f.local("v128")];
      const [a, b, dots] = [f.let(p.a), f.let(p.b), f.let(p.dots)];
      f.for(row, 0, p.rows, 1, () => {
        f.set(sum, vec(0));
        overFloats(f, at, p.width, (round) => f.set(sum, sum.add(round.load(a).mul(round.load(b)))));
        f.store(dots, Value.sumLanes(sum));
        f.set(a, a.add(p.step));
        f.set(b, b.add(p.step));
        f.set(dots, dots.add(4));
      });
    },
  );
}

/**
 * For rows of logits `z` over a vocabulary, at inverse temperature `sharpness`: the largest logit, `Σ e` and `Σ e · y`, where
 * `y = sharpness · (z − largest)` and `e = exp(y)`. Three floats a row. From them, with Z = Σ e: `log Z` and the entropy `log Z − Σ e·y / Z`.
 */
function addLogits(module: ModuleBuilder): void {
  module.function(
    "logitStatistics",
    { logits: "i32", rows: "i32", vocab: "i32", sharpness: "f32", out: "i32" },
    (f, p) => {
      const [row, at] = [f.local("i32"), f.local("i32")];
      const [x, out] = [f.let(p.logits), f.let(p.out)];
      const [most, low, sums, weighted] = [f.local("v128"), f.local("f32"), f.local("v128"), f.local("v128")];
      const [sum, weightedSum] = [f.local("f32"), f.local("f32")];
      const sharpness = f.let(p.sharpness.splat());
      const bytes = f.let(p.vocab.mul(4));
      f.for(row, 0, p.rows, 1, () => {
        f.set(most, vec(LOWEST));
        f.for(at, 0, bytes.sub(12), 16, () => f.set(most, most.max(loadVec(x.add(at)))));
        f.set(low, Value.maxLanes(most));
        f.while(at.lessThan(bytes), () => {
          f.set(low, low.max(loadF32(x.add(at))));
          f.set(at, at.add(4));
        });
        const peak = f.let(low.splat());
        f.set(sums, vec(0));
        f.set(weighted, vec(0));
        f.for(at, 0, bytes.sub(12), 16, () => {
          const y = f.let(loadVec(x.add(at)).sub(peak).mul(sharpness));
          const e = exponential(f, y);
          f.set(sums, sums.add(e));
          f.set(weighted, weighted.add(e.mul(y)));
        });
        f.set(sum, Value.sumLanes(sums));
        f.set(weightedSum, Value.sumLanes(weighted));
        f.while(at.lessThan(bytes), () => {
          const y = f.let(loadSplat(x.add(at)).sub(peak).mul(sharpness));
          const e = exponential(f, y);
          f.set(sum, sum.add(e.lane(0)));
          f.set(weightedSum, weightedSum.add(e.mul(y).lane(0)));
          f.set(at, at.add(4));
        });
        f.store(out, low);
        f.store(out, sum, 4);
        f.store(out, weightedSum, 8);
        f.set(x, x.add(bytes));
        f.set(out, out.add(12));
      });
    },
  );
  // In place: z -> dz = -sharpness · p · (dl + de · (y + shift)), five floats a row at `rows`: largest, 1 / Z, dl, de, shift = H − log Z.
  // The caller adds sharpness · dl at the target.
  module.function(
    "logitGradient",
    { logits: "i32", rows: "i32", vocab: "i32", sharpness: "f32", parameters: "i32" },
    (f, p) => {
      const [row, at] = [f.local("i32"), f.local("i32")];
      const [x, q] = [f.let(p.logits), f.let(p.parameters)];
      const sharpness = f.let(p.sharpness.splat());
      const names: Local[] = Array.from({ length: 5 }, () => f.local("v128"));
      const [largest, inverse, dLogProb, dEntropy, shift] = names as [Local, Local, Local, Local, Local];
      f.for(row, 0, p.rows, 1, () => {
        names.forEach((name, i) => f.set(name, loadSplat(q, i * 4)));
        const factor = f.let(vec(0).sub(sharpness.mul(inverse)));
        overFloats(f, at, p.vocab, (round) => {
          const y = f.let(round.load(x).sub(largest).mul(sharpness));
          const e = exponential(f, y);
          round.store(x, e.mul(factor).mul(dLogProb.add(dEntropy.mul(y.add(shift)))));
        });
        f.set(x, x.add(p.vocab.mul(4)));
        f.set(q, q.add(20));
      });
    },
  );
}
