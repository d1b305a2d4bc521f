import type { Command } from "commander";
import type { AddVerb } from "./verb.js";
import { addDataFetch } from "./data/fetch.js";
import { addDataImport } from "./data/import.js";
import { addDataInfo } from "./data/info.js";
import { addDataMake } from "./data/make.js";

/** `aisle data …`: what the shop is made of. */
export const addData: AddVerb = (program) => {
  const data: Command = program.command("data").description("make, import, fetch and describe shops");
  addDataMake(data);
  addDataImport(data);
  addDataFetch(data);
  addDataInfo(data);
};
