import { InputError } from "../../base/index.js";
import { DEFAULT_PRODUCTS } from "../recipe/index.js";
import { buildCatalogue, type BuildOptions } from "./build.js";
import { isCatalogue, readManifest, type Manifest } from "./format.js";
import { openCatalogue, type DiskCatalogue, type OpenOptions } from "./open.js";
import { recipeSource } from "./sources/recipe.js";

/** Where the default shop is, from the project's root. */
export const DEFAULT_SHOP = "data/shop";

/**
 * The default shop's manifest. The shop is made first (in seconds) where there is none, or one of an older format or
 * of another recipe; processes that do so at once end with one shop.
 */
export async function ensureShop(folder = DEFAULT_SHOP, options: BuildOptions = {}): Promise<Manifest> {
  const source = recipeSource({ products: DEFAULT_PRODUCTS });
  const current = (): Manifest | null => {
    if (!isCatalogue(folder)) return null;
    try {
      const manifest = readManifest(folder);
      return manifest.source === source.name ? manifest : null;
    } catch (error) {
      if (error instanceof InputError) return null;
      throw error;
    }
  };
  return current() ?? (await buildCatalogue(source, folder, { ...options, keep: () => current() !== null }));
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
