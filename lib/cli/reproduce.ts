import { Option } from "commander";
import { note } from "./common.js";
import { type Profile, PROFILES } from "./reproduce/profile.js";
import type { AddVerb } from "./verb.js";

interface Options {
  readonly profile: Profile;
  readonly only?: string;
  readonly force?: boolean;
  readonly results: boolean;
}

/** `aisle reproduce`: what `npm start` runs. */
export const addReproduce: AddVerb = (program) => {
  program
    .command("reproduce")
    .description("run the notebooks in order, then make the figures, the tables and the thesis (npm start)")
    .addOption(
      new Option(
        "--profile <name>",
        "smoke: minutes, for checks; seminar: what is committed; thesis: a GPU and real data",
      )
        .choices(PROFILES)
        .default("seminar"),
    )
    .option("--only <numbers>", "only these notebooks, e.g. 04 or 01,02")
    .option("--no-results", "leave figures, tables and the thesis as they are")
    .option("--force", "do everything anew, even where a run record matches")
    .addHelpText(
      "after",
      "\nNotebooks are executed in place; those of another profile than seminar go to data/tmp/notebooks-<profile>.\n" +
        "Ctrl-C is safe: run records that are finished are read the next time.",
    )
    .action(async (options: Options) => {
      const { plan, planInWords } = await import("./reproduce/plan.js");
      const { carryOut } = await import("./reproduce/carry-out.js");
      const { withInterrupts } = await import("./interrupts.js");
      const work = await plan(options);
      note(planInWords(work));
      await withInterrupts((signal) => carryOut(work, signal));
    });
};
