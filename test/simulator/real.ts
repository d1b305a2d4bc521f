import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Where the little real WebShop data lies that is never copied into this repository. */
const FOLDER = process.env["AISLE_WEBSHOP_REAL"] ?? join("..", "shared", "webshop-real");

/** Whether the sample is here. */
export function hasReal(): boolean {
  return existsSync(FOLDER);
}

/** The path of a real file; a test that needs it is skipped, with the reason printed, where it is absent. */
export function realFile(test: Mocha.Context, name: string): string {
  const path = join(FOLDER, name);
  if (!existsSync(path)) {
    process.stderr.write(
      `      skipped: ${path} is absent (set AISLE_WEBSHOP_REAL to the real WebShop sample)\n`,
    );
    test.skip();
  }
  return path;
}

/** The records of a real JSON-lines file. */
export function realLines<T>(test: Mocha.Context, name: string): T[] {
  const lines = readFileSync(realFile(test, name), "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as T);
}
