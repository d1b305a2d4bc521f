/** Prints the titles of the committed fixtures as a JSON list, for `spacy_answers.py`. */
import { oddTitles, recipeTitles } from "./titles.js";

const titles = [...recipeTitles(100), ...oddTitles(150)];
process.stdout.write(JSON.stringify(titles));
