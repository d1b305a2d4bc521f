import type { Command } from "commander";
import type { AddVerb } from "./verb.js";
import { addDataDemonstrations } from "./data/demonstrations.js";
import { addDataFetch } from "./data/fetch.js";
import { addDataImport } from "./data/import.js";
import { addDataInfo } from "./data/info.js";
import { addDataMake } from "./data/make.js";

/** `aisle data …`: what the shop is made of. */
export const addData: AddVerb = (program) => {
  const data: Command = program
    .command("data")
    .description("make, import, fetch and describe shops, and import people's demonstrations");
  addDataMake(data);
  addDataImport(data);
  addDataFetch(data);
  addDataInfo(data);
  addDataDemonstrations(data);
};
