/** A process that builds one generated shop and prints the most memory that it held, in kB: `build-shop.ts N FOLDER`. */
import { buildCatalogue, recipeSource } from "../../simulator/index.js";
import { fail } from "../common.js";
import { buildReporter } from "../data/report.js";

async function main(products: number, folder: string): Promise<void> {
  const report = buildReporter();
  await buildCatalogue(recipeSource({ products }), folder, { progress: report.building });
  report.end();
  const kilobytes = process.resourceUsage().maxRSS;
  process.stdout.write(String(kilobytes));
}

main(Number(process.argv[2]), process.argv[3]!).catch(fail);
