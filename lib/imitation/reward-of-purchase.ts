/** The reward of buying a result of a search: the labels of selection. */
import { chooseOptions, withoutPrice } from "../agents/index.js";
import { type Catalogue, chooseTagger, type Goal, rewardOf } from "../simulator/index.js";

/** The reward of buying a product with the options that match the instruction. */
export function rewardOfMatched(catalogue: Catalogue, index: number, goal: Goal): number {
  const product = catalogue.product(index);
  const chosen = chooseOptions(product.options, withoutPrice(goal.instruction), "match");
  const options = Object.fromEntries(chosen.map((value, i) => [String(i), value]));
  const { nouns } = chooseTagger(catalogue);
  return rewardOf({ product, price: catalogue.price(index), options }, goal, undefined, nouns).total;
}
