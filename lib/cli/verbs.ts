import { addBench } from "./bench.js";
import { addCompare } from "./compare.js";
import { addData } from "./data.js";
import { addDoctor } from "./doctor.js";
import { addEpisode } from "./episode.js";
import { addEvaluate } from "./evaluate.js";
import { addFigures } from "./figures.js";
import { addKernel } from "./kernel.js";
import { addLab } from "./lab.js";
import { addModel } from "./model.js";
import { addNotebook } from "./notebook.js";
import { addPrompt } from "./prompt.js";
import { addRecord } from "./record.js";
import { addRecords } from "./records.js";
import { addReproduce } from "./reproduce.js";
import { addSearch } from "./search.js";
import { addServe } from "./serve.js";
import { addSetup } from "./setup.js";
import { addSweep } from "./sweep.js";
import { addTables } from "./tables.js";
import { addThesis } from "./thesis.js";
import { addTrain } from "./train.js";
import { addVerify } from "./verify.js";
import type { AddVerb } from "./verb.js";

/** Every verb, in the order in which `--help` lists them: one a line, so that branches that add verbs merge. */
// prettier-ignore
export const verbs: readonly AddVerb[] = [
  addReproduce,
  addNotebook,
  addLab,
  addKernel,
  addDoctor,
  addSetup,
  addData,
  addModel,
  addSearch,
  addEpisode,
  addPrompt,
  addTrain,
  addSweep,
  addRecord,
  addEvaluate,
  addCompare,
  addRecords,
  addVerify,
  addFigures,
  addTables,
  addThesis,
  addServe,
  addBench,
];
