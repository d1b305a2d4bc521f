import { join } from "node:path";
import type { Command } from "commander";
import { InputError } from "../../base/index.js";
import { integerOption, note, printJson } from "../common.js";
import { buildReporter } from "./report.js";

interface MakeOptions {
  readonly products: number;
  readonly seed: number;
  readonly goals: string;
  readonly recipe?: number;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** WebShop's size, and the most that the recipe makes. */
const MOST = 1_181_436;

/** `aisle data make`: the embedded shop, at any size. */
export function addDataMake(data: Command): void {
  data
    .command("make")
    .description("make the embedded shop at any size, from a seed")
    .option(
      "--products <n>",
      `how many products, up to WebShop's ${MOST}`,
      integerOption("--products", 1, MOST),
      10_000,
    )
    .option("--seed <s>", "another seed makes another shop", integerOption("--seed"), 0)
    .option("--goals <kind>", "whose requests become goals: human or synthetic", "human")
    .option("--recipe <version>", "how listings are written (docs/shop.md)", integerOption("--recipe", 1))
    .option("--out <folder>", "where (default: data/shop, or data/shop-<n> for another size)")
    .option("--force", "make it anew where a shop stands already")
    .option("--json", "print one JSON object")
    .action(async (options: MakeOptions) => {
      const { buildCatalogue, checkFiles, isCatalogue, readManifest, recipeSource, DEFAULT_SHOP } = await import(
        "../../simulator/index.js"
      );
      const { DEFAULT_PRODUCTS, DEFAULT_RECIPE, RECIPE_VERSIONS, splitRanges } = await import(
        "../../simulator/index.js"
      );
      const { products, seed, goals } = options;
      if (goals !== "human" && goals !== "synthetic") {
        throw new InputError(`--goals must be human or synthetic, not "${goals}".`);
      }
      const version = RECIPE_VERSIONS.find((one) => one === (options.recipe ?? DEFAULT_RECIPE));
      if (version === undefined) {
        throw new InputError(`--recipe must be ${RECIPE_VERSIONS.join(" or ")}, not ${options.recipe}.`);
      }
      const ofRecipe = version === DEFAULT_RECIPE ? [] : [`recipe${version}`];
      const usual =
        products === DEFAULT_PRODUCTS && seed === 0 && goals === "human" && ofRecipe.length === 0;
      const name = [products, ...ofRecipe, ...(seed === 0 ? [] : [`seed${seed}`]), ...(goals === "human" ? [] : [goals])];
      const out = options.out ?? (usual ? DEFAULT_SHOP : join("data", `shop-${name.join("-")}`));
      const source = recipeSource({ products, seed, version }, goals);

      let manifest = isCatalogue(out) && !options.force ? readManifest(out) : null;
      if (manifest !== null && (manifest.source !== source.name || manifest.goalKind !== goals)) {
        throw new InputError(
          `${out} holds another shop (${manifest.source}): name another --out, or --force to replace it.`,
        );
      }
      if (manifest !== null) checkFiles(out, manifest);
      const made = manifest === null;
      if (manifest === null) {
        const report = buildReporter();
        manifest = await buildCatalogue(source, out, { progress: report.building });
        report.end();
      }
      const ranges = splitRanges(manifest.goals);
      const count = ({ start, end }: { start: number; end: number }): number => end - start;
      const splits = { test: count(ranges.test), dev: count(ranges.dev), train: count(ranges.train) };
      if (options.json) {
        printJson({
          out,
          made,
          products: manifest.products,
          goals: manifest.goals,
          splits,
          fingerprint: manifest.fingerprint,
        });
        return;
      }
      note(made ? `Made ${out}.` : `${out} holds this very shop already; --force makes it anew.`);
      process.stdout.write(
        `products     ${manifest.products}\n` +
          `goals        ${manifest.goals} (test ${splits.test}, dev ${splits.dev}, train ${splits.train})\n` +
          `fingerprint  ${manifest.fingerprint}\n`,
      );
    });
}
