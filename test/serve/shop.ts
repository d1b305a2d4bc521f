import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  buildCatalogue,
  openCatalogue,
  recipeSource,
  type DiskCatalogue,
} from "../../lib/simulator/index.js";

/** A small shop on disk for one file of tests. */
export interface TestShop {
  readonly folder: string;
  readonly catalogue: DiskCatalogue;
  remove(): void;
}

export async function makeShop(products = 300): Promise<TestShop> {
  const parent = mkdtempSync(join(tmpdir(), "aisle-serve-"));
  const folder = join(parent, "shop");
  await buildCatalogue(recipeSource({ products }), folder);
  const catalogue = openCatalogue(folder);
  return {
    folder,
    catalogue,
    remove: () => {
      catalogue.close();
      rmSync(parent, { recursive: true, force: true });
    },
  };
}
