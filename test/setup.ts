/** Loaded by every test process: the same examples in every run, so that a failure is a change and not a draw; AISLE_FUZZ_SEED looks elsewhere. */
import fc from "fast-check";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env["AISLE_FUZZ_SEED"] ?? 20261120) });
