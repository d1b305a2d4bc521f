import { loadLane, loadVec, vec, type FunctionBuilder, type Local, type Value } from "./assembler.js";

/** One round of a loop over neighbouring floats: four at a time, or the last few one at a time in lane 0. */
export interface Round {
  /** The float(s) at `pointer + offset of this round`. */
  load(pointer: Value): Value;
  store(pointer: Value, value: Value): void;
}

/**
 * Loops over `count` floats. The body is written twice, for whole vectors and for single lanes, so that no length is special;
 * lanes that stand for nothing are zero when loaded, and are not stored.
 * @param from first float, default 0
 */
export function overFloats(
  f: FunctionBuilder,
  at: Local,
  count: Value,
  body: (round: Round) => void,
  from: Value | number = 0,
): void {
  const end = f.let(count.mul(4));
  const start = typeof from === "number" ? from * 4 : from.mul(4);
  f.for(at, start, end.sub(12), 16, () => {
    body({
      load: (pointer) => loadVec(pointer.add(at)),
      store: (pointer, value) => f.store(pointer.add(at), value),
    });
  });
  f.while(at.lessThan(end), () => {
    body({
      load: (pointer) => loadLane(pointer.add(at)),
      store: (pointer, value) => f.storeLane(pointer.add(at), value),
    });
    f.set(at, at.add(4));
  });
}

/**
 * Four exponentials, to within two units in the last place: `2^n · e^r` with `n = round(x / ln 2)` and a polynomial of degree
 * 6 for `e^r`, |r| ≤ ln 2 / 2 (the coefficients of Cephes' `expf`). Arguments are clamped to [-87, 88], where float32 ends.
 */
export function exponential(f: FunctionBuilder, x: Value): Local {
  const clamped = f.let(x.max(-87).min(88));
  const n = f.let(clamped.mul(Math.LOG2E).nearest());
  // ln 2 in two parts, the first exact in few bits, so that the remainder loses nothing.
  const r = f.let(clamped.sub(n.mul(0.693359375)).sub(n.mul(-2.12194440054690583e-4)));
  const coefficients = [
    1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
  ];
  const polynomial = f.let(vec(coefficients[0]!));
  for (const c of coefficients.slice(1)) f.set(polynomial, polynomial.mul(r).add(c));
  return f.let(polynomial.mul(r.mul(r)).add(r).add(1).mul(n.powerOfTwo()));
}

/** `1 / (1 + e^-x)` in four lanes. */
export function logistic(f: FunctionBuilder, x: Value): Local {
  const e = exponential(f, vec(0).sub(x));
  return f.let(vec(1).div(e.add(1)));
}
