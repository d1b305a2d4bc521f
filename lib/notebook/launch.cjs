#!/usr/bin/env node
// Jupyter starts this file with the path of a connection file. It goes to the project root, so that every
// notebook, in whatever folder it lies, imports "./lib/…" and names data and figures from there; lets Node read
// our TypeScript; and starts the kernel proper. Plain CommonJS: it must say something useful even when the
// packages are missing.
const path = require("node:path");

const root = path.resolve(__dirname, "..", "..");
const connection = process.argv[2];
if (!connection) {
  process.stderr.write("aisle kernel: Jupyter starts this program, with the path of a connection file.\n");
  process.exit(2);
}
const connectionFile = path.resolve(connection);
process.chdir(root);

try {
  for (const name of ["tsx/esm/api", "tslab", "zeromq"]) require.resolve(name);
} catch (error) {
  process.stderr.write(`aisle kernel: a package is missing (${error.code}); run "npm ci" in ${root}.\n`);
  process.exit(1);
}
import("tsx/esm/api")
  .then(({ register }) => {
    register();
    return import("./kernel/main.ts");
  })
  .then(({ startKernel }) => startKernel(root, connectionFile))
  .catch((error) => {
    process.stderr.write(`aisle kernel: could not start: ${error.stack}\n`);
    process.exit(1);
  });
