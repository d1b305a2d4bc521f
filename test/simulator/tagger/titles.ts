/** Titles on which our tagger is compared with spaCy's: of the embedded shop, and odd ones of our own making. */
import { stream } from "../../../lib/base/index.js";
import { recipeProducts } from "../../../lib/simulator/index.js";

/** Titles of the embedded shop, none twice. */
export function recipeTitles(count: number): string[] {
  const titles = new Set<string>();
  for (const { raw } of recipeProducts({ products: count * 2, seed: 15 })) {
    titles.add(raw.name);
    if (titles.size === count) break;
  }
  return [...titles];
}

const WORDS =
  "women men kids shirt Shoes BOOTS Hair-Care usb USB-C cable charger sofa Table lamp Sugar-Free organic tea coffee the and of for with " +
  "in it's don't can't Y'all we're women's Men's KIDS' o'clock rock'n'roll cannot gonna L'Oréal AT&T R&B i.e. e.g. vs. Inc. Co. Dr. St. U.S.A. " +
  "Ph.D. a.m. 5p.m. 10am No.1 T-shirt V-neck anti-aging self-adhesive 2-in-1 all-in-one non/stick and/or w/ w/o b/c @home #1 running Runs ran " +
  "beautiful quickly blue Red iPhone13 Galaxy S21+ MacBook-Pro nike ADIDAS x-large XXL 3XL one TWO 2nd 1990s '90s 'em ain't I'm you'd";
const NUMBERS =
  '5pcs 64GB 1.5m 12oz 3.5mm 10kg 5% 5x 1920x1080 8.5"x11" 6\' 5\'10" 100ml 3-pack 1/2 ½ ¾cup $5.99 €10 £3 US$20 1,000 10,000.50 2.4GHz 12V/2A ' +
  '-5 +5 ±3 20°C 70°F 5cm×3cm 4K 1080p 18K 9mm² 50km/h #10 No5 007 1st 22nd 3.0 v2.1.0 5.0-inch 4- 90" 0.5-1.0 12:30 1-800-555-0100 IPX7 ⅓ ② 5⁴';
const MARKS =
  "( ) [ ] { } < > , . ; : ! ? … ... .. - -- --- – — _ / \\ | & && + = * ** ~ ^ % # @ ' '' \" ` `` ´ “ ” ‘ ’ „ « » 「 」 【 】 （ ） ， 。 ！ ？ ： ； • · ★ ☆ ✔ ✅ → ™ ® © ° × ÷ § ¶ † $ € £ ¥ ₹";
const FOREIGN =
  "Größe Fußball café naïve señora Ærø Łódź ÉCLAIR İstanbul ΣΊΣΥΦΟΣ чай Кофе 你好 日本語 グリーンティー 한국어 สวัสดี हिन्दी العربية עברית ﬁt Ⅻ ǅ ſ ß 𝐁𝐨𝐥𝐝 𝓐 ｆｕｌｌ ２０";
const EMOJI = "😀 🎄 👩‍👩‍👧 🇺🇸 👍🏽 ❤️ :) :-) ;) :D :'( <3 (^_^) ¯\\_(ツ)_/¯ xD =) 8-) o_O ಠ_ಠ ＼(^o^)／ 🔥🔥 ☕️";
const ADDRESSES =
  "www.example.com http://example.com/a?b=c https://a.b.co.uk:8080/x#y example.com shop@example.org ftp://files.example.net/x.zip a.b EXAMPLE.COM " +
  "example.com, (www.example.com) example.com/path/ user:pass@host.com 192.168.0.1 8.8.8.8 .com foo.bar.baz localhost:80 C:\\temp a@b x.y.z.";
const SPACES = [" ", " ", " ", " ", " ", " ", "  ", "", "\t", "\n", " ", "   ", "\u3000", " \n "];

/** Odd titles: every kind of thing that a tokenizer may stumble over, put together by chance, with a stated seed. */
export function oddTitles(count: number, seed = 0): string[] {
  const random = stream(seed, "odd titles");
  const kinds = [WORDS, WORDS, WORDS, NUMBERS, NUMBERS, MARKS, FOREIGN, EMOJI, ADDRESSES].map((kind) =>
    kind.split(" "),
  );
  const titles = new Set([
    "",
    " ",
    "  ",
    "a",
    "\n",
    "Shoe",
    "of the",
    "5",
    "!",
    "😀",
    "ﬁ",
    "x".repeat(120),
    "Long ".repeat(700),
  ]);
  while (titles.size < count) {
    const length = random.below(10) === 0 ? 40 + random.below(200) : 1 + random.below(14);
    // Some titles are of few kinds, so that whole sentences of words come up too.
    const own = random.below(3) === 0 ? [kinds[0]!, kinds[3]!] : kinds;
    let title = random.below(8) === 0 ? random.pick(SPACES) : "";
    for (let i = 0; i < length; i++)
      title += random.pick(random.pick(own)) + (random.below(9) === 0 ? random.pick(SPACES) : " ");
    titles.add(random.below(4) === 0 ? title : title.trimEnd());
  }
  return [...titles];
}
