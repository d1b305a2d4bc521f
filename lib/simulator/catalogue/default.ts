import { InputError } from "../../base/index.js";
import { DEFAULT_PRODUCTS } from "../recipe/index.js";
import { buildCatalogue, type BuildOptions } from "./build.js";
import { isCatalogue, readManifest, type Manifest } from "./format.js";
import { openCatalogue, type DiskCatalogue, type OpenOptions } from "./open.js";
import { recipeSource } from "./sources/recipe.js";

/** Where the default shop is, from the project's root. */
export const DEFAULT_SHOP = "data/shop";

/**
 * The default shop's manifest; the shop is made first where there is none, or only one of an older format (seconds).
 */
export async function ensureShop(folder = DEFAULT_SHOP, options: BuildOptions = {}): Promise<Manifest> {
  if (isCatalogue(folder)) {
    try {
      return readManifest(folder);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
    }
  }
  return buildCatalogue(recipeSource({ products: DEFAULT_PRODUCTS }), folder, options);
}

/**
 * Opens the catalogue in a folder, or the default shop, made on first use.
 * @throws InputError when a named folder is no catalogue.
 */
export async function defaultCatalogue(
  folder?: string,
  options: BuildOptions & OpenOptions = {},
): Promise<DiskCatalogue> {
  if (folder === undefined) await ensureShop(DEFAULT_SHOP, options);
  return openCatalogue(folder ?? DEFAULT_SHOP, options);
}
