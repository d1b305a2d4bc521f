import { readFileSync } from "node:fs";
import { hasSpacyTagger, openSpacyTagger, taggerFile } from "../../../lib/simulator/tagger/index.js";
import { agreement, answersIn, assertAgreement } from "./agreement.js";

describe("simulator: spaCy's tagger with spaCy's weights", () => {
  it("gives spaCy's tokens, norms, tags and nouns of the committed titles", function () {
    if (!hasSpacyTagger()) {
      process.stderr.write(`      skipped: ${taggerFile()} is absent ("aisle data fetch tagger" makes it)\n`);
      this.skip();
    }
    const answers = answersIn(readFileSync("test/simulator/tagger/spacy.jsonl", "utf8"));
    assertAgreement(agreement(openSpacyTagger(), answers));
  });
});
