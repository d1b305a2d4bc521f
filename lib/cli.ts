/** The command line: `npx aisle <verb>`. Each verb is one thin file in `cli/`, which `program.ts` joins. */
import { main } from "./cli/main.js";
import { letReadersGo } from "./cli/pipes.js";

letReadersGo();
void main(process.argv);
