import { strict as assert } from "node:assert";
import { defaultCatalogue, type DiskCatalogue, openEnvironment } from "../../../lib/simulator/index.js";
import {
  ACTIONS_FILE,
  episodesOf,
  readRecord,
  recordFolders,
  replayEpisode,
  runsFolder,
} from "../../../lib/records/index.js";

describe("every committed record that kept its actions", function () {
  this.timeout(600_000);
  let catalogue: DiskCatalogue;
  before(async () => (catalogue = await defaultCatalogue()));
  after(() => catalogue.close());

  for (const path of recordFolders(runsFolder)) {
    const record = readRecord(path);
    if (!(ACTIONS_FILE in record.files)) continue;
    it(`${record.id} leads to its rewards again, and shows what it showed`, () => {
      const environment = openEnvironment(catalogue, record.identity.environment);
      let count = 0;
      for (const kept of episodesOf(record)) {
        assert.ok(replayEpisode(record, kept, environment).sameShown, `goal ${kept.goal}, seed ${kept.seed}`);
        count += 1;
      }
      assert.equal(count, record.results.length);
    });
  }
});
