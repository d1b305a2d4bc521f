/** Words of requests and products: what says something about the thing, and what does not. */
import { stemmer } from "stemmer";
import { withoutPrice } from "./episode.js";

/** Words that say nothing about the product: English function words, and what requests are padded with. */
const EMPTY = new Set(
  (
    "a an and are as at be been but by can could for from had has have having i if im in into is it its me my of on or " +
    "our please should so some that the their them these they this to too us was we which will with would you your " +
    "also am any buy choose color colored comes do find flavor flavored get help id interested like looking made make " +
    "must need needs one option pick price lower than dollars search searching show size sized style sure want works"
  ).split(" "),
);

/** A text's word stems in lower case, without function words and padding; numbers keep their point ("8.5"). */
export function contentWords(text: string): string[] {
  const words =
    text
      .toLowerCase()
      .replaceAll("'", "")
      .match(/\d+(?:\.\d+)?|\p{L}[\p{L}\d]*/gu) ?? [];
  return words.filter((word) => !EMPTY.has(word)).map((word) => stemmer(word));
}

/** The instruction's own words that a search engine has use for, in order, each once and without the price clause. */
export function keywords(instruction: string): string[] {
  const words = withoutPrice(instruction)
    .toLowerCase()
    .replaceAll("'", "")
    .match(/\d+(?:\.\d+)?|\p{L}[\p{L}\d]*/gu);
  return [...new Set(words ?? [])].filter((word) => contentWords(word).length > 0);
}
