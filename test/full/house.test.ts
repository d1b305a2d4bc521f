import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** What the house promises: how many files an addition touches, its own and those that name it. */
const PROMISED = { algorithm: 4, agent: 3, "kind of run": 3, "kind of record": 2, figure: 2 } as const;

/** Files of an addition: a whole new one, or a change of one that is there, which must hold what is replaced. */
type Change = { readonly file: string } & (
  { readonly text: string } | { readonly after: string; readonly insert: string }
);

const ADDITIONS: Readonly<Record<keyof typeof PROMISED, readonly Change[]>> = {
  algorithm: [
    {
      file: "lib/grpo/advantages/group-median.ts",
      text: `import { z } from "zod";
import { type Estimator, requireSeveral, scoresOf, settingsOf } from "./estimator.js";

const settings = settingsOf("estimator median", { estimator: z.literal("median") });

/** A_i = R_i − median_j R_j. */
export const groupMedian = {
  name: "median",
  settings,
  baseline: "group",
  estimate(groups, _own, { penalty }) {
    return {
      advantages: groups.map((group) => {
        requireSeveral(group);
        const returns = group.rollouts.map((rollout) => rollout.return).sort((a, b) => a - b);
        const median = returns[returns.length >> 1]!;
        return scoresOf(group, penalty).map((turns) => turns.map((score) => score - median));
      }),
    };
  },
} satisfies Estimator<z.output<typeof settings>>;
`,
    },
    {
      file: "lib/grpo/advantages/registry.ts",
      after: "const ESTIMATORS = [",
      insert: "groupMedian, ",
    },
    {
      file: "lib/results/ladder.ts",
      after: "export const ladder: readonly Method[] = [\n",
      insert:
        '  trained("median", "Median", [grey, "loose"], "two-decision", { shown: "expected", questions: ["grpo"] }),\n',
    },
    {
      file: "configs/median.json",
      text: JSON.stringify({
        kind: "grpo",
        name: "median",
        model: "data/models/il",
        data: "tiny",
        preset: "dr_grpo",
        advantage: { estimator: "median" },
        groups: { tasks: 2, size: 3 },
        sampling: { temperature: 0.7, maxTokens: 12 },
        update: { learningRate: 1e-4 },
        iterations: 1,
        evaluate: { every: 1, goals: 4 },
        checkpoint: 1,
        workers: 0,
      }),
    },
  ],
  agent: [
    {
      file: "lib/agents/cheapest.ts",
      text: `import type { Environment } from "../simulator/index.js";
import { clickAction, Episode, resultsOn, searchAction } from "./episode.js";
import type { Agent, Trajectory } from "./types.js";

/** Searches the whole instruction and buys the cheapest result. */
export class CheapestAgent implements Agent {
  readonly name = "cheapest";
  readonly settings = {};

  play(environment: Environment, goal: number): Trajectory {
    const episode = new Episode(environment, goal);
    episode.act(searchAction(episode.goal.instruction));
    const [cheapest] = [...resultsOn(environment, episode.state)].sort((a, b) => (a.pricing[0] ?? 0) - (b.pricing[0] ?? 0));
    if (cheapest) {
      episode.act(clickAction(cheapest.asin.toLowerCase()));
      episode.act(clickAction("buy now"));
    }
    return episode.trajectory(this.name);
  }
}
`,
    },
    {
      file: "lib/agents/registry.ts",
      after: '  ["rule", () => new RuleAgent()],\n',
      insert: '  ["cheapest", () => new CheapestAgent()],\n',
    },
    {
      file: "lib/results/ladder.ts",
      after: "export const ladder: readonly Method[] = [\n",
      insert: '  rule("cheapest", "Cheapest", [grey, "even"], ONE),\n',
    },
  ],
  "kind of run": [
    {
      file: "lib/runs/kinds/patient.ts",
      text: `import type { GrpoRun } from "../training/grpo-config.js";
import { grpoKind } from "./grpo.js";
import type { RunKind } from "./kind.js";

const asGrpo = (value: unknown): unknown => ({ ...(value as object), kind: "grpo" });

/** GRPO under a kind of its own, as a kind with another loss would be. */
export const patientKind: RunKind<GrpoRun> = {
  ...grpoKind,
  kind: "patient",
  parse: (value, where) => grpoKind.parse(asGrpo(value), where),
  resolved: (value, where) => grpoKind.resolved(asGrpo(value), where),
};
`,
    },
    {
      file: "lib/runs/kinds/index.ts",
      after: "  [grpoKind, ",
      insert: "patientKind, ",
    },
    {
      file: "configs/patient.json",
      text: JSON.stringify({
        kind: "patient",
        name: "patient",
        model: "data/models/il",
        data: "tiny",
        preset: "dr_grpo",
        groups: { tasks: 2, size: 3 },
        sampling: { temperature: 0.7, maxTokens: 12 },
        update: { learningRate: 1e-4 },
        iterations: 1,
        evaluate: { every: 1, goals: 4 },
        checkpoint: 1,
        workers: 0,
      }),
    },
  ],
  "kind of record": [
    {
      file: "lib/records/kinds/note.ts",
      text: `import { z } from "zod";
import { writeKind, type RecordKind } from "../envelope.js";
import { provenance } from "../provenance.js";

const schema = z.strictObject({
  identity: z.strictObject({ kind: z.literal("note"), about: z.string() }),
  text: z.string(),
});
type Note = z.output<typeof schema>;

export const noteKind: RecordKind<Note, Note> = {
  kind: "note",
  noun: "note",
  remedy: "write it again",
  schema,
  idOf: ({ about }, key) => \`note-\${about}-\${key.slice(0, 10)}\`,
  toStored: (note) => note,
  fromStored: (note) => note,
  lineOf: ({ text }) => text,
};

export function writeNote(note: Note, place: string): string {
  return writeKind(noteKind, note, { files: new Map(), provenance: () => provenance(0) }, place).record.id;
}
`,
    },
    {
      file: "lib/records/kinds/index.ts",
      after: "const all: readonly unknown[] = [\n",
      insert: "  noteKind,\n",
    },
  ],
  figure: [
    {
      file: "figures/steps.ts",
      text: `import { agentStyle, type Figure } from "../lib/results/index.js";

/** How long episodes are, agent by agent. */
export const steps: Figure = {
  name: "steps",
  title: "Mean number of steps of an episode by agent",
  spec: ({ results }) => ({
    width: 300,
    data: { values: results.map(({ agent, summary }) => ({ label: agentStyle(agent).label, steps: summary?.steps ?? 0 })) },
    mark: "bar",
    encoding: { x: { field: "steps", type: "quantitative" }, y: { field: "label", type: "nominal" } },
  }),
};
`,
    },
    {
      file: "figures/index.ts",
      after: "export const figures: readonly Figure[] = [\n",
      insert: "  steps,\n",
    },
  ],
};

/** The import that a changed file needs of the new one beside it, or in the room's own way. */
const IMPORTS: Readonly<Record<string, string>> = {
  "lib/grpo/advantages/registry.ts": 'import { groupMedian } from "./group-median.js";\n',
  "lib/agents/registry.ts": 'import { CheapestAgent } from "./cheapest.js";\n',
  "lib/runs/kinds/index.ts": 'import { patientKind } from "./patient.js";\n',
  "lib/records/kinds/index.ts": 'import { noteKind } from "./note.js";\nexport * from "./note.js";\n',
  "figures/index.ts": 'import { steps } from "./steps.js";\n',
};

describe("additions to the house, made in a copy of the tree", function () {
  this.timeout(900_000);
  const copy = mkdtempSync(join(tmpdir(), "aisle-house-"));
  after(() => rmSync(copy, { recursive: true, force: true }));

  /** Runs Node in the copy, gives what it prints, and fails with all that it said. */
  function node(...args: readonly string[]): string {
    const env = { ...process.env, AISLE_BACKEND: "wasm" };
    const run = spawnSync(process.execPath, args, { cwd: copy, encoding: "utf8", env, maxBuffer: 1 << 26 });
    assert.equal(run.status, 0, `${args.join(" ")}: ${run.stdout}${run.stderr}`);
    return run.stdout;
  }
  const aisle = (...args: readonly string[]): string => node("lib/aisle.mjs", ...args);
  /** Runs TypeScript in the copy and gives what it prints. */
  const script = (text: string): string => {
    writeFileSync(join(copy, "script.ts"), text);
    return node("--import", "tsx", "script.ts");
  };

  before(() => {
    const kept =
      /^(lib|figures|bench|configs|data\/(recipe|published|models)|package\.json|tsconfig\.json|\.dependency-cruiser\.cjs)/;
    const files = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8", maxBuffer: 1 << 26 });
    for (const file of files.split("\0").filter((name) => kept.test(name))) {
      cpSync(file, join(copy, file));
    }
    symlinkSync(resolve("node_modules"), join(copy, "node_modules"));
    for (const changes of Object.values(ADDITIONS)) for (const change of changes) apply(change);
    for (const [file, line] of Object.entries(IMPORTS)) {
      const text = readFileSync(join(copy, file), "utf8");
      writeFileSync(join(copy, file), text.replace(/^import /m, `${line}import `));
    }
    aisle("data", "make", "--products", "300", "--out", "tiny", "--json");
  });

  function apply(change: Change): void {
    const path = join(copy, change.file);
    if ("text" in change) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, change.text, { flag: "wx" });
      return;
    }
    const text = readFileSync(path, "utf8");
    assert.ok(text.includes(change.after), `${change.file} has no place for an addition`);
    writeFileSync(
      path,
      text.replace(change.after, () => change.after + change.insert),
    );
  }

  it("touch no more files than promised", () => {
    for (const [what, most] of Object.entries(PROMISED)) {
      const files = new Set(ADDITIONS[what as keyof typeof PROMISED].map(({ file }) => file));
      assert.ok(files.size <= most, `${what}: ${[...files].join(", ")}`);
    }
  });

  it("compile, and keep to the walls", () => {
    const include = ["lib", "figures"];
    writeFileSync(join(copy, "house.tsconfig.json"), JSON.stringify({ extends: "./tsconfig.json", include }));
    node("node_modules/typescript/bin/tsc", "--noEmit", "-p", "house.tsconfig.json");
    const walls = "node_modules/dependency-cruiser/bin/dependency-cruise.mjs";
    node(walls, "lib", "figures", "--config", ".dependency-cruiser.cjs");
  });

  it("play, train, are recorded and stand in the tables", () => {
    aisle("evaluate", "--agent", "cheapest", "--data", "tiny");
    for (const name of ["median", "patient"]) {
      aisle("train", `configs/${name}.json`);
      aisle("record", `data/training/${name}-0`);
      aisle("evaluate", "--agent", name, "--data", "tiny");
    }
    const trained = aisle("records", "--kind", "training");
    assert.match(trained, /^train-median-0-/m);
    assert.match(trained, /^train-patient-0-/m);
    const noted = script(`import { writeNote } from "./lib/records/index.js";
console.log(writeNote({ identity: { kind: "note", about: "house" }, text: "kept" }, "runs"));`);
    assert.match(aisle("records", "--kind", "note"), new RegExp(`${noted.trim()} +kept`));

    const [table, settings, svg] = script(`import { figureSvg } from "./figures/index.js";
import { algorithmsTable, mainTable, studyData, toText } from "./lib/results/index.js";
import { openCatalogue } from "./lib/simulator/index.js";
const data = studyData(openCatalogue("tiny"), "runs");
console.log([toText(mainTable(data.results, data.published)), toText(algorithmsTable(data.training)), await figureSvg("steps", data)].join("\\u0000"));`).split(
      "\0",
    );
    assert.match(table!, /Cheapest +cheapest-test-[0-9a-f]{10}/);
    assert.match(table!, /Median +median-test-[0-9a-f]{10}/);
    assert.match(settings!, /Median +median +none +token/);
    assert.match(svg!, />Cheapest</);
    assert.match(svg!, />Median</);
  });
});
