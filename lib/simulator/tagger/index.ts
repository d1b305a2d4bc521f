/** spaCy's nouns of titles, where its weights are at hand (docs/tagger.md). */
export { fetchTagger, hasSpacyTagger, openSpacyTagger, taggerFile } from "./store.js";
export { MODEL_PACKAGE } from "./download.js";
export type { SpacyTagger, TaggedToken } from "./tagger.js";
