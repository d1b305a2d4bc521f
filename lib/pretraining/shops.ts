/** Shops to learn from that are not the shop to be tested in: the same recipe with other seeds. */
import { join } from "node:path";
import {
  buildCatalogue,
  type DiskCatalogue,
  isCatalogue,
  openCatalogue,
  readManifest,
  recipeSource,
  type RecipeVersion,
} from "../simulator/index.js";

/**
 * Opens the recipe's shop of a seed, made on first use in `folder`.
 * @param products number of products
 */
export async function pretrainingShop(
  seed: number,
  products: number,
  version: RecipeVersion,
  folder = join("data", "cache", "pretraining"),
): Promise<DiskCatalogue> {
  const source = recipeSource({ products, seed, version });
  const path = join(folder, `shop-${products}-${seed}-recipe${version}`);
  const current = (): boolean => isCatalogue(path) && readManifest(path).source === source.name;
  if (!current()) await buildCatalogue(source, path, { keep: current });
  return openCatalogue(path);
}
