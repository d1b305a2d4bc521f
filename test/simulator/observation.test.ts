import assert from "node:assert/strict";
import fc from "fast-check";
import { parse, type DefaultTreeAdapterTypes } from "parse5";
import {
  fromProcessed,
  openEnvironment,
  type Environment,
  type EnvironmentSettings,
  type Product,
  type SessionState,
} from "../../lib/simulator/index.js";
import { strip } from "../../lib/simulator/python-text.js";
import { realLines } from "./real.js";
import { tinyGoal, tinyProduct, TinyCatalogue } from "./tiny.js";

type Node = DefaultTreeAdapterTypes.Node;
type Tag = DefaultTreeAdapterTypes.Element;

interface Seen {
  readonly text: string;
  readonly parent: string;
  readonly css: string;
}

const attribute = (tag: Tag, name: string): string => tag.attrs.find((a) => a.name === name)?.value ?? "";

/** The visible texts of a document by BeautifulSoup's rules, and what WebShop finds to click in it. */
function readPage(html: string): { texts: Seen[]; clickables: string[]; searchBar: boolean } {
  const texts: Seen[] = [];
  const found: { buttons: string[]; links: string[]; radios: string[]; searchBar: boolean } = {
    buttons: [],
    links: [],
    radios: [],
    searchBar: false,
  };
  const content = (tag: Tag): string =>
    tag.childNodes.map((child) => ("value" in child ? child.value : "")).join("");
  const visit = (node: Node, parent: Tag | null): void => {
    if (node.nodeName === "#text" && "value" in node) {
      const hidden = ["style", "script", "head", "title", "meta"];
      if (parent === null || hidden.includes(parent.tagName) || parent.tagName === "html") return;
      let text = node.value;
      if (/^[ \n\t\f\r]*$/.test(text)) text = text.includes("\n") ? "\n" : " ";
      if (text !== "\n") texts.push({ text, parent: parent.tagName, css: attribute(parent, "class") });
      return;
    }
    if (!("childNodes" in node)) return;
    const tag = "tagName" in node ? node : null;
    if (tag) {
      const css = attribute(tag, "class").split(" ");
      if (css.includes("btn")) found.buttons.push(content(tag).toLowerCase());
      if (css.includes("product-link")) found.links.push(content(tag).toLowerCase());
      if (tag.tagName === "input" && attribute(tag, "type") === "radio")
        found.radios.push(attribute(tag, "value"));
      if (attribute(tag, "id") === "search_input") found.searchBar = true;
    }
    for (const child of node.childNodes) visit(child, tag);
  };
  visit(parse(html), null);
  const clickables = [...new Set([...found.buttons, ...found.links, ...found.radios])];
  return { texts, clickables, searchBar: found.searchBar };
}

/** WebShop's two text observations, computed from the document. */
function textOf(html: string): string {
  return readPage(html)
    .texts.map(({ text }) => strip(text))
    .join(" [SEP] ");
}

function richOf(html: string, address: string, opened: readonly string[]): string {
  let observation = "";
  for (const { text, parent, css } of readPage(html).texts) {
    let line = text;
    if (parent === "button") line = `[button] ${text} [button_]`;
    else if (parent === "label") {
      if (address.includes(`"${text}"`)) {
        line = `  [clicked button] ${text} [clicked button_]`;
        observation = `You have clicked ${text}.\n${observation}`;
      } else line = `  [button] ${text} [button_]`;
    } else if (css === "product-link") {
      line = opened.includes(text)
        ? `\n[clicked button] ${text} [clicked button_]`
        : `\n[button] ${text} [button_]`;
    }
    observation += `${line}\n`;
  }
  return observation;
}

function assertReads(shop: Environment, state: SessionState): void {
  const html = shop.observe(state, "html");
  assert.equal(shop.observe(state, "text"), textOf(html));
  assert.equal(shop.observe(state, "text_rich"), richOf(html, shop.observe(state, "url"), state.opened));
  const { click, search } = shop.actions(state);
  const page = readPage(html);
  assert.deepEqual(click, page.clickables);
  assert.equal(search, page.searchBar);
}

const shoe = tinyProduct({
  asin: "B09S3BN15C",
  title: "Linen Shirt",
  pricing: [9.49, 14.98],
  priceLabel: "$9.49 to $14.98",
  options: [
    { name: "size", values: ["small", '8"', "crème"] },
    { name: "color", values: ["red"] },
  ],
  bulletPoints: [" First one", "Second <one> & more"],
  description: "It is\na shirt.",
});
const open = (settings: Partial<EnvironmentSettings> = {}, product: Product = shoe): Environment =>
  openEnvironment(
    new TinyCatalogue([product], [tinyGoal(product, { instruction: "i need a shirt" })]),
    settings,
  );

function at(shop: Environment, ...actions: string[]): SessionState {
  return actions.reduce(
    (state, action) => {
      const result = shop.step(state, action);
      assert(result.valid, action);
      return result.state;
    },
    shop.reset({ goal: 0, session: "s" }),
  );
}

const RESULTS = ["search[linen]"];
const ITEM = [...RESULTS, "click[b09s3bn15c]"];

describe("simulator: observations", () => {
  it("in text, read as WebShop's", () => {
    const shop = open();
    const text = (...path: string[]): string => shop.observe(at(shop, ...path), "text");
    const head = "Instruction: [SEP] i need a shirt [SEP] Back to Search [SEP] ";
    assert.equal(text(), "WebShop [SEP] Instruction: [SEP] i need a shirt [SEP] Search");
    assert.equal(
      text(...RESULTS),
      `${head}Page 1 (Total results: 1) [SEP] Next > [SEP] B09S3BN15C [SEP] Linen Shirt [SEP] $9.49 to $14.98`,
    );
    assert.equal(
      text(...RESULTS, "click[next >]"),
      `${head}Page 2 (Total results: 1) [SEP] < Prev [SEP] Next >`,
    );
    const item =
      `${head}< Prev [SEP] size [SEP] small [SEP] 8" [SEP] crème [SEP] color [SEP] red [SEP] Linen Shirt [SEP] ` +
      "Price: $9.49 to $14.98 [SEP] Rating: N.A. [SEP] Description [SEP] Features [SEP] Reviews [SEP] Buy Now";
    assert.equal(text(...ITEM), item);
    assert.equal(text(...ITEM, "click[red]"), item);
    assert.equal(text(...ITEM, "click[features]"), `${head}< Prev [SEP] First one [SEP] Second <one> & more`);
    assert.equal(text(...ITEM, "click[description]"), `${head}< Prev [SEP] It is\na shirt.`);
    assert.equal(text(...ITEM, "click[reviews]"), `${head}< Prev`);
    assert.equal(
      text(...ITEM, "click[red]", 'click[8"]', "click[buy now]"),
      "Thank you for shopping with us! [SEP] Your code: [SEP] None [SEP] (Paste it in your MTurk interface.) [SEP] " +
        'Purchased [SEP] asin [SEP] B09S3BN15C [SEP] options [SEP] {"color": "red", "size": "8\\""} [SEP] attrs [SEP] ' +
        "None [SEP] category [SEP] None [SEP] query [SEP] None [SEP] product category [SEP] None [SEP] Target [SEP] " +
        "asin [SEP] options [SEP] attrs [SEP] price upper [SEP] instuction text [SEP] category [SEP] product category " +
        "[SEP] query [SEP] Goal [SEP] None [SEP] Reward [SEP] Your score (min 0.0, max 1.0) [SEP] 1.0 [SEP] " +
        "Reward Details [SEP] None",
    );
  });

  it("in rich text, mark buttons, choices and opened products", () => {
    const shop = open();
    const rich = (...path: string[]): string => shop.observe(at(shop, ...path), "text_rich");
    assert.equal(rich(), "WebShop\nInstruction: \ni need a shirt\n[button] Search [button_]\n");
    const head = "Instruction:\ni need a shirt\n[button] Back to Search [button_]\n";
    const results = (mark: string): string =>
      `${head}Page 1 (Total results: 1)\n[button] Next > [button_]\n\n[${mark}button] B09S3BN15C [${mark}button_]\n` +
      "Linen Shirt\n$9.49 to $14.98\n";
    assert.equal(rich(...RESULTS), results(""));
    assert.equal(rich(...ITEM, "click[< prev]"), results("clicked "));
    assert.equal(rich(...ITEM, "click[back to search]", ...RESULTS), results(""));
    assert.equal(
      rich(...ITEM, "click[red]", "click[small]"),
      `You have clicked red.\nYou have clicked small.\n${head}[button] < Prev [button_]\n` +
        'size\n  [clicked button] small [clicked button_]\n  [button] 8" [button_]\n  [button] crème [button_]\n' +
        "color\n  [clicked button] red [clicked button_]\nLinen Shirt\nPrice: $9.49 to $14.98\nRating: N.A.\n" +
        "[button] Description [button_]\n[button] Features [button_]\n[button] Reviews [button_]\n" +
        "[button] Buy Now [button_]\n",
    );
    assert.equal(
      rich(...ITEM, "click[features]"),
      `${head}[button] < Prev [button_]\n  First one\n Second <one> & more\n`,
    );
  });

  it("keep WebShop's white space and escapes on the pages that few agents reach", () => {
    const product = tinyProduct({ ...shoe, options: [{ name: "size", values: ["it's <s> & m"] }] });
    const shop = open({ showAttributes: true, mode: "text_rich" }, product);
    assert.match(
      shop.observe(at(shop, ...ITEM, "click[attributes]")),
      /< Prev \[button_\]\n rubber sole\nfashion\nwomen's shoes\nClothing › Women › Shoes\n$/,
    );
    const done = shop.observe(at(shop, ...ITEM, "click[it's <s> & m]", "click[buy now]"));
    assert.match(done, /^Thank you for shopping with us!\nYour code: \nNone\n \(Paste it in/);
    assert.match(done, /\noptions\n\{"size": "it\\u0027s \\u003cs\\u003e \\u0026 m"\}\nattrs\n/);
    assert.match(
      done,
      /\nGoal \nNone\nReward\nYour score \(min 0\.0, max 1\.0\)\n1\.0\nReward Details \nNone\n$/,
    );
  });

  it("show a choice that JSON escapes only when that quirk is mended", () => {
    for (const value of ['8"', "crème"]) {
      const path = [...ITEM, `click[${value}]`];
      const clicked = `[clicked button] ${value} [clicked button_]`;
      assert(
        !open()
          .observe(at(open(), ...path), "text_rich")
          .includes(clicked),
      );
      const fixed = open({ quirks: { choicesFromAddress: false } });
      assert(fixed.observe(at(fixed, ...path), "text_rich").includes(clicked));
    }
    const shown = open({ quirks: { hiddenChoices: false } });
    assert.match(
      shown.observe(at(shown, ...ITEM, "click[red]")),
      /\[SEP\] color \[SEP\] \[chosen\] red \[SEP\]/,
    );
  });

  it("fill the done page when that quirk is mended", () => {
    const shop = open({ quirks: { bareDonePage: false } });
    const text = shop.observe(at(shop, ...ITEM, "click[buy now]"));
    assert.match(text, /attrs \[SEP\] \['rubber sole'\] \[SEP\] category \[SEP\] fashion/);
    assert.match(text, /price upper \[SEP\] 50\.0 \[SEP\] instuction text \[SEP\] i need a shirt/);
  });

  it("in HTML, escape every text", () => {
    const nasty = tinyProduct({
      title: `linen <script>alert("x")</script> & 'y'`,
      options: [{ name: `"><b>`, values: [`<i>"'&`] }],
      description: "</p><img src=x onerror=y>",
    });
    const shop = open({ showAttributes: true }, nasty);
    for (const path of [
      RESULTS,
      [...RESULTS, "click[b000000001]"],
      [...RESULTS, "click[b000000001]", "click[description]"],
    ]) {
      const state = at(shop, ...path);
      assert.doesNotMatch(shop.observe(state, "html"), /<script>|<b>|<i>|<img src=x/);
      assertReads(shop, state);
    }
  });

  it("are what the rules read in our HTML, on every page, whatever a shop holds", () => {
    // NUL cannot stand in a document; everything else must come back.
    const text = fc
      .oneof(
        fc.string({ maxLength: 12 }),
        fc.string({ unit: "binary", maxLength: 8 }),
        fc.constantFrom(
          "",
          " ",
          "\n",
          " \n ",
          "\t",
          "\u00a0",
          "\r",
          "\r\n",
          "\f",
          "&amp;",
          "<b>",
          "\x1c",
          "\ufeff",
          "a\n",
        ),
      )
      .map((value) => value.replaceAll("\0", ""));
    const product = fc.record({
      title: text,
      description: text,
      bulletPoints: fc.array(text, { maxLength: 3 }),
      options: fc.uniqueArray(fc.record({ name: text, values: fc.uniqueArray(text, { maxLength: 3 }) }), {
        maxLength: 3,
        selector: ({ name }) => name,
      }),
      attributes: fc.array(text, { maxLength: 2 }),
      category: text,
      query: text,
      productCategory: text,
    });
    fc.assert(
      fc.property(product, text, fc.boolean(), (fields, instruction, showAttributes) => {
        const shown = tinyProduct({ ...fields, title: `linen${fields.title}` });
        const goal = tinyGoal(shown, { instruction });
        const shop = openEnvironment(
          new TinyCatalogue([shown, { ...shown, title: fields.title, asin: "B2" }], [goal]),
          {
            showAttributes,
          },
        );
        let state = shop.reset({ goal: 0 });
        assertReads(shop, state);
        const item = ["search[<c> x]", `search[linen${fields.title.split(/\s/)[0]}]`, "click[b000000001]"];
        for (const action of [
          ...item,
          "click[description]",
          "click[< prev]",
          "click[features]",
          "click[< prev]",
        ]) {
          state = shop.step(state, action).state;
          assertReads(shop, state);
        }
        for (const value of shown.options.flatMap((group) => group.values).slice(0, 2)) {
          state = shop.step(state, `click[${value}]`).state;
          assertReads(shop, state);
        }
        for (const action of ["click[attributes]", "click[< prev]", "click[buy now]"]) {
          state = shop.step(state, action).state;
          assertReads(shop, state);
        }
      }),
      { numRuns: 80 },
    );
  });

  it("read back on the 100 real products", function () {
    const records = realLines<{ product: unknown }>(this, "documents_100.jsonl");
    const products = records.map(({ product }) => fromProcessed(product));
    const shop = openEnvironment(new TinyCatalogue(products, [tinyGoal(products[0]!)]), {
      showAttributes: true,
    });
    for (const product of products) {
      let state = shop.reset({ goal: 0 });
      for (const action of [
        "search[the]",
        "click[next >]",
        `search[${product.asin} ${product.title.replace(/[[\]\n]/g, " ")}]`,
      ]) {
        state = shop.step(state, action).state;
        assertReads(shop, state);
      }
      const found = shop.step(state, `click[${product.asin.toLowerCase()}]`);
      if (!found.valid) continue; // not on the first page of a toy search
      state = found.state;
      assertReads(shop, state);
      for (const value of product.options.flatMap((group) => group.values).slice(0, 3)) {
        state = shop.step(state, `click[${value}]`).state;
        assertReads(shop, state);
      }
      for (const name of ["description", "features", "reviews", "attributes"]) {
        assertReads(shop, shop.step(state, `click[${name}]`).state);
      }
      assertReads(shop, shop.step(state, "click[buy now]").state);
    }
  });
});

interface Conversation {
  readonly conversations: readonly { readonly from: string; readonly value: string }[];
}

describe("simulator: observations of real WebShop agents", () => {
  it("have the same layout as ours, made again from what they show", function () {
    const episodes = realLines<Conversation>(this, "text-trajectories-20.jsonl");
    let pages = 0;
    let choices = 0;
    for (const { conversations } of episodes) {
      const seen = conversations
        .filter(({ from }) => from === "human")
        .map(({ value }) => value)
        .slice(1);
      const done = conversations
        .filter(({ from }) => from === "gpt")
        .map(({ value }) => value)
        .slice(1);
      const instruction = seen[0]!.split(" [SEP] ")[2]!;
      const shop = openEnvironment(rebuild(seen, instruction));
      let state = shop.reset({ goal: 0 });
      assert.equal(shop.observe(state), seen[0]);
      pages++;
      for (let turn = 1; turn < seen.length; turn++) {
        const action = /Action:\s*(.*?)\s*$/s.exec(done[turn - 1]!)?.[1] ?? "";
        const result = shop.step(state, action);
        state = result.state;
        if (action.startsWith("click")) choices += Object.keys(state.options).length > 0 ? 1 : 0;
        assert.equal(result.observation, seen[turn], `${action} leads to another page`);
        pages++;
      }
    }
    assert.equal(episodes.length, 20);
    assert(pages > 60 && choices > 10, `${pages} pages, ${choices} choices`);
  });
});

/** A catalogue that holds just what an episode's observations show, whose search finds what they list. */
function rebuild(seen: readonly string[], instruction: string): TinyCatalogue {
  const products = new Map<string, Product>();
  const results = new Map<number, string[]>();
  let total = 0;
  let query = 0;
  for (const observation of seen) {
    const parts = observation.split(" [SEP] ");
    const page = parts.find((part) => /^Page \d+ \(Total results: \d+\)$/.test(part));
    if (page) {
      total = Number(/results: (\d+)/.exec(page)![1]);
      const list = parts.slice(parts.indexOf("Next >") + 1);
      for (let i = 0; i + 2 < list.length; i += 3) {
        const [asin, title, priceLabel] = list.slice(i, i + 3) as [string, string, string];
        products.set(asin, tinyProduct({ ...products.get(asin), asin, title, priceLabel }));
      }
      const number = Number(/Page (\d+)/.exec(page)![1]);
      results.set(
        number,
        list.filter((_, i) => i % 3 === 0),
      );
      query++;
    }
  }
  for (const observation of seen) {
    const parts = observation.split(" [SEP] ");
    const at = parts.indexOf("Rating: N.A.");
    if (at === -1) continue;
    const title = parts[at - 2]!;
    const product = [...products.values()].find((known) => strip(known.title) === title)!;
    const groups: { name: string; values: string[] }[] = [];
    for (const part of parts.slice(4, at - 2)) {
      if (["size", "color"].includes(part) || groups.length === 0) groups.push({ name: part, values: [] });
      else groups[groups.length - 1]!.values.push(part);
    }
    products.set(product.asin, { ...product, options: groups });
  }
  const all = [...products.values()];
  const order = Array.from({ length: total }, (_, rank) => {
    const asin = results.get(Math.floor(rank / 10) + 1)?.[rank % 10];
    return asin ? all.findIndex((product) => product.asin === asin) : 0;
  });
  assert(query > 0);
  const catalogue = new TinyCatalogue(all, [tinyGoal(all[0]!, { instruction })]);
  catalogue.search = () => order.map((index) => ({ index, score: 1 }));
  return catalogue;
}
