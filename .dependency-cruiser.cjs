/**
 * The walls of the house: which room of lib may import which, always through its index, and never in a circle.
 * CONTRIBUTING.md draws the same picture. `npm run walls` checks it.
 */
const rooms = {
  base: [],
  stats: ["base"],
  simulator: ["base"],
  rewards: ["base"],
  tensor: ["base"],
  model: ["base", "tensor"],
  objective: ["base"],
  policy: ["base", "objective", "tensor", "model"],
  grpo: ["base", "objective"],
  agents: ["base", "simulator", "model", "tensor", "policy", "grpo"],
  imitation: ["base", "simulator", "model", "objective", "policy", "agents"],
  pretraining: ["base", "simulator", "model", "policy", "agents", "imitation"],
  records: ["base", "stats", "simulator", "agents"],
  credit: ["base", "stats", "simulator", "model", "policy", "grpo", "agents", "records"],
  runs: [
    "base",
    "simulator",
    "tensor",
    "model",
    "policy",
    "grpo",
    "rewards",
    "agents",
    "imitation",
    "pretraining",
    "records",
  ],
  notebook: ["base"],
  serve: ["base", "simulator"],
  results: [
    "base",
    "stats",
    "simulator",
    "model",
    "tensor",
    "grpo",
    "agents",
    "imitation",
    "records",
    "credit",
    "runs",
    "notebook",
  ],
};

const every = Object.keys(rooms);

module.exports = {
  forbidden: [
    { name: "no-circle", severity: "error", from: {}, to: { circular: true } },
    {
      name: "through-the-index",
      comment:
        "Another room is imported through its index.ts, or that of a part of it (a verb that needs only files of models must not load the tensor engine).",
      severity: "error",
      from: { path: "^lib/([^/]+)/" },
      to: { path: "^lib/[^/]+/", pathNot: ["^lib/$1/", "/index\\.ts$"] },
    },
    {
      name: "figures-through-the-index",
      severity: "error",
      from: { path: "^figures/" },
      to: { path: "^lib/[^/]+/", pathNot: "^lib/[^/]+/index\\.ts$" },
    },
    {
      name: "only-the-command-line-draws-figures",
      severity: "error",
      from: { path: "^lib/", pathNot: "^lib/cli/" },
      to: { path: "^figures/" },
    },
    {
      name: "nothing-imports-the-command-line",
      severity: "error",
      from: { path: "^(lib|figures)/", pathNot: "^lib/cli(/|\\.ts$)" },
      to: { path: "^lib/cli/" },
    },
    ...every.map((room) => ({
      name: `${room}-imports-only-its-own`,
      severity: "error",
      from: { path: `^lib/${room}/` },
      to: {
        path: `^lib/(${every.filter((other) => other !== room && !rooms[room].includes(other)).join("|")})/`,
      },
    })),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { extensions: [".ts", ".mjs", ".js", ".json"] },
  },
};
