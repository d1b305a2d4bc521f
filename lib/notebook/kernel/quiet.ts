/**
 * Keeps out of the cells' outputs what packages say about themselves: it would differ from one Node to the next, and
 * notebooks are committed with their outputs.
 */
export function quieten(): void {
  // "… is an experimental feature" and deprecations inside packages.
  const emit = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    const type = rest[0] as string | { type?: string } | undefined;
    const name = warning instanceof Error ? warning.name : typeof type === "string" ? type : type?.type;
    if (name === "ExperimentalWarning" || name === "DeprecationWarning") return;
    emit(warning, ...rest);
  }) as typeof process.emitWarning;
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name !== "ExperimentalWarning" && warning.name !== "DeprecationWarning")
      process.stderr.write(`${warning.name}: ${warning.message}\n`);
  });
  quietenTensorflow();
}

/** TensorFlow.js recommends its native package on first use; `aisle doctor` says the same, once. */
export function quietenTensorflow(): void {
  const { console } = globalThis;
  const warn = console.warn.bind(console);
  console.warn = (...args: unknown[]) => {
    if (
      typeof args[0] === "string" &&
      args[0].includes("looks like you are running TensorFlow.js in Node.js")
    )
      return;
    warn(...args);
  };
}
