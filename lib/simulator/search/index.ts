/** Text in, ranked documents out: Lucene's English analysis and BM25, exact and pruned, over flat arrays. */
export { analyze } from "./analyzer.js";
export { IndexBuilder } from "./index-builder.js";
export {
  OpenSearchEngine,
  indexDefinition,
  searchBody,
  type OpenSearchSettings,
  type RemoteMatch,
} from "./opensearch.js";
export { arrayOf, readPack, writePack, type FlatArray, type Pack, type Written } from "./pack.js";
export { Searcher, type Match } from "./searcher.js";
export { StringTable } from "./string-table.js";
