/** Pretraining: the small base model, made from nothing on the texts of other shops. */
export { openPretraining } from "./run.js";
export { pretrainingShop } from "./shops.js";
