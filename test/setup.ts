/** Loaded by every test process. */
import fc from "fast-check";

// The same examples in every run, so that a failure is a change and not a draw; AISLE_FUZZ_SEED looks elsewhere.
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env["AISLE_FUZZ_SEED"] ?? 20261120) });

// A worker thread loads the library once more, seconds for a tiny model, and changes no bit: tests that are about workers name their number.
process.env["AISLE_WORKERS"] ??= "0";
