/** Catalogues on disk: built once from a stream of products, opened in seconds, shared by threads. */
export { buildCatalogue, MAX_GOALS, type BuildOptions, type BuildProgress } from "./build.js";
export { checkFiles, type CheckOptions } from "./check.js";
export { DEFAULT_SHOP, defaultCatalogue, ensureShop } from "./default.js";
export { isCatalogue, readManifest, type Manifest } from "./format.js";
export { DiskCatalogue, openCatalogue, openShared, type CatalogueHandle, type OpenOptions } from "./open.js";
export type { CatalogueSource, GoalKind, SourceRecord } from "./source.js";
export { recipeSource } from "./sources/recipe.js";
export { webShopSource, type Dropped, type WebShopFiles } from "./sources/webshop.js";
export { download, type Downloaded, type DownloadOptions } from "./download.js";
export { fetchWebShop, FILE_SETS, type FetchOptions } from "./webshop-files.js";
export { searchRemotely, type RemoteCatalogue } from "./remote.js";
export { OpenSearchEngine, type OpenSearchSettings } from "../search/index.js";
