import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { messageOf, RunError } from "../../base/index.js";
import { type DiskCatalogue, indexText, isCatalogue, openCatalogue } from "../../simulator/index.js";

/** Results compared, as many as WebShop shows. */
const TOP = 50;
/** Each query's time is its median over so many rounds, after one that warms up. */
const ROUNDS = 7;
const HARNESS = "bench/lucene";

/** The output of `aisle bench search --json`. Times of searches in milliseconds. */
export interface BenchSearchResult {
  readonly products: number;
  readonly queries: number;
  /** Null when the shop was there before. */
  readonly built: { readonly seconds: number; readonly peakGigabytes: number } | null;
  readonly opened: { readonly seconds: number; readonly gigabytes: number };
  readonly search: { readonly median: number; readonly p95: number };
  readonly lucene: LuceneResult | null;
}

interface LuceneResult {
  readonly version: string;
  readonly median: number;
  readonly p95: number;
  readonly indexSeconds: number;
  /** Queries whose top 50 are Lucene's, ties aside. */
  readonly sameRanking: number;
}

/** Builds (once), opens and searches a generated shop. */
export async function benchSearch(
  options: { readonly products: number; readonly queries: number; readonly lucene?: boolean },
  note: (text: string) => void,
): Promise<BenchSearchResult> {
  const folder = join("data", "cache", `bench-${options.products}`);
  const built = isCatalogue(folder) ? null : build(folder, options.products, note);
  const start = performance.now();
  const shop = openCatalogue(folder);
  const opened = { seconds: (performance.now() - start) / 1000, gigabytes: process.memoryUsage().rss / 1e9 };
  const queries: string[] = [];
  for (let g = 0; g < Math.min(options.queries, shop.goalCount); g++) queries.push(shop.goal(g).instruction);
  const times = queries.map(() => new Float64Array(ROUNDS));
  for (let round = -1; round < ROUNDS; round++) {
    queries.forEach((query, q) => {
      const before = performance.now();
      shop.search(query, TOP);
      if (round >= 0) times[q]![round] = performance.now() - before;
    });
  }
  const typical = times.map((each) => each.sort()[ROUNDS >> 1]!).sort((a, b) => a - b);
  const search = { median: typical[typical.length >> 1]!, p95: typical[Math.floor(typical.length * 0.95)]! };
  const lucene = options.lucene ? compareWithLucene(shop, queries, `${folder}-lucene`, note) : null;
  shop.close();
  return { products: options.products, queries: queries.length, built, opened, search, lucene };
}

/** Builds in a process of its own, so that the memory is the build's. */
function build(folder: string, products: number, note: (text: string) => void): BenchSearchResult["built"] {
  note(`Building a shop of ${products} products in ${folder}; this happens once.`);
  const start = performance.now();
  const child = spawnSync(
    process.execPath,
    ["--import", "tsx", "lib/cli/bench/build-shop.ts", String(products), folder],
    { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" },
  );
  if (child.status !== 0)
    throw new RunError(`The shop could not be built (exit code ${child.status ?? child.signal}).`);
  return { seconds: (performance.now() - start) / 1000, peakGigabytes: Number(child.stdout) / 1e6 };
}

function compareWithLucene(
  shop: DiskCatalogue,
  queries: readonly string[],
  folder: string,
  note: (text: string) => void,
): LuceneResult {
  note("Compiling the Lucene harness.");
  const path = run("mvn", [
    "-q",
    "-B",
    "compile",
    "dependency:build-classpath",
    "-Dmdep.outputFile=target/classpath.txt",
  ]);
  if (path === null)
    throw new RunError("Lucene needs Maven and Java 17: install them, or leave --lucene out.");
  const classpath = [
    "target/classes",
    readFileSync(join(HARNESS, "target/classpath.txt"), "utf8").trim(),
  ].join(process.platform === "win32" ? ";" : ":");
  mkdirSync(folder, { recursive: true });
  const corpus = join(folder, "corpus.tsv");
  const index = join(folder, "index");
  if (!existsSync(index)) writeCorpus(shop, corpus);
  writeFileSync(join(folder, "queries.txt"), `${queries.map(oneLine).join("\n")}\n`);
  note("Running Lucene.");
  const up = join("..", "..");
  const out = run("java", [
    "-Xmx2g",
    "-cp",
    classpath,
    "Bench",
    ...[corpus, join(folder, "queries.txt"), index, join(folder, "ranking.txt")].map((file) =>
      join(up, file),
    ),
    String(TOP),
    String(ROUNDS + 3),
  ]);
  rmSync(corpus, { force: true });
  const measured = JSON.parse(out ?? "{}") as Omit<LuceneResult, "sameRanking">;
  const rankings = readFileSync(join(folder, "ranking.txt"), "utf8").split("\n");
  const sameRanking = queries.filter((query, q) => sameTop(shop, query, rankings[q]!)).length;
  return { ...measured, sameRanking };
}

/**
 * Whether our top results are Lucene's: the same scores in the same places, and every product has the score that
 * Lucene gave it, or ties with the last.
 */
function sameTop(shop: DiskCatalogue, query: string, line: string): boolean {
  const theirs = line
    .split("\t")
    .filter((field) => field !== "")
    .map((field) => field.split(" "))
    .map(([asin, score]) => ({ asin: asin!, score: Number(score) }));
  const scores = new Map(theirs.map(({ asin, score }) => [asin, score]));
  const ours = shop.search(query, TOP);
  // The sum of a dozen single-precision terms, in another order.
  const equal = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.abs(b);
  return (
    ours.length === Math.min(TOP, theirs.length) &&
    ours.every(({ index, score }, place) => {
      const given = scores.get(shop.product(index).asin) ?? theirs[theirs.length - 1]!.score;
      return equal(score, theirs[place]!.score) && equal(score, given);
    })
  );
}

function writeCorpus(shop: DiskCatalogue, path: string): void {
  const file = openSync(path, "w");
  try {
    let held: string[] = [];
    for (let i = 0; i < shop.size; i++) {
      const product = shop.product(i);
      held.push(`${product.asin}\t${oneLine(indexText(product))}\n`);
      if (held.length === 1000 || i === shop.size - 1) {
        writeSync(file, held.join(""));
        held = [];
      }
    }
  } finally {
    closeSync(file);
  }
}

/** As Java's `translateEscapes` reads it back. */
function oneLine(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
}

/** A program's output, or null when it is not installed. */
function run(program: string, args: readonly string[]): string | null {
  try {
    return execFileSync(program, [...args], {
      cwd: HARNESS,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
      shell: process.platform === "win32" && program === "mvn",
    });
  } catch (error) {
    if (/ENOENT/.test(messageOf(error))) return null;
    throw new RunError(`${program} failed in ${HARNESS}: ${messageOf(error).split("\n")[0]!}`);
  }
}
