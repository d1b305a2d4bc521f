/** How an agent looks everywhere: the same name, colour, mark and place in every figure and table. */
export interface AgentStyle {
  /** As people read it. */
  readonly label: string;
  readonly colour: string;
  /** What marks its points: one shape for each kind of agent, so that no two agents share colour and shape. */
  readonly shape: "square" | "triangle-up" | "circle" | "triangle-down";
  /** Its line's dashes in pixels, on and off: within a kind no two are the same, which greyscale needs. */
  readonly dash: readonly number[];
  /** The same colour, dark enough for text on white (contrast of at least 4.5). */
  readonly ink: string;
  /** Position from the weakest idea to the strongest bound; ties keep the order in which they come. */
  readonly order: number;
}

/**
 * Okabe & Ito's palette (2008) and Tol's wine, told apart with any colour vision; neighbours on the ladder differ in lightness too,
 * so that they can be told apart in greyscale.
 */
const palette = {
  grey: "#8a8a8a",
  orange: "#e69f00",
  sky: "#56b4e9",
  green: "#009e73",
  blue: "#0072b2",
  vermilion: "#d55e00",
  purple: "#cc79a7",
  wine: "#882255",
  black: "#222222",
  silver: "#b5b5b5",
} as const;

/** Darker shades of the palette's light colours, for text; what is missing is dark enough itself. */
const inks: Readonly<Record<string, string>> = {
  [palette.grey]: "#6b6b6b",
  [palette.silver]: "#6b6b6b",
  [palette.orange]: "#8f6200",
  [palette.sky]: "#1a6f9f",
  [palette.green]: "#007a59",
  [palette.vermilion]: "#b04d00",
  [palette.purple]: "#a3457c",
};

/** How lines are broken; solid first. */
const dashes = {
  solid: [1, 0],
  long: [7, 3],
  longer: [12, 4],
  even: [4, 3],
  short: [2, 2],
  dots: [1, 3],
  dashDot: [8, 3, 2, 3],
  dashDots: [8, 2, 2, 2, 2, 2],
  dense: [5, 1],
  loose: [3, 5],
} as const;

const looksOf =
  (shape: AgentStyle["shape"]) =>
  (label: string, colour: string, order: number, dash: keyof typeof dashes): AgentStyle => ({
    label,
    colour,
    ink: inks[colour] ?? colour,
    order,
    shape,
    dash: dashes[dash],
  });

/** Without a model. */
const plain = looksOf("square");
/** A language model that was not trained by reward. */
const taught = looksOf("triangle-up");
/** Trained by reward, with two decisions an episode. */
const trained = looksOf("circle");
/** With a decision on every page. */
const stepwise = looksOf("triangle-down");

const known: Readonly<Record<string, AgentStyle>> = {
  random: plain("Random", palette.grey, 0, "dots"),
  rule: plain("Rule", palette.orange, 1, "short"),
  match: plain("Match", palette.green, 1.5, "long"),
  prompted: taught("Prompted", palette.purple, 2, "even"),
  il: taught("Imitation", palette.sky, 3, "dashDot"),
  imitation: taught("Imitation", palette.sky, 3, "dashDot"),
  reinforce: trained("REINFORCE", palette.silver, 3.2, "loose"),
  "reinforce-pp": trained("REINFORCE++", palette.grey, 3.3, "dense"),
  rloo: trained("RLOO", palette.wine, 3.5, "short"),
  dr_grpo: trained("Dr.GRPO", palette.green, 3.6, "long"),
  dapo: trained("DAPO", palette.orange, 3.7, "dashDots"),
  gspo: trained("GSPO", palette.sky, 3.8, "dots"),
  cispo: trained("CISPO", palette.purple, 3.9, "even"),
  ppo: trained("PPO", palette.black, 3.95, "longer"),
  grpo: trained("GRPO", palette.blue, 4, "solid"),
  thesis: trained("GRPO (thesis)", palette.vermilion, 4.2, "dashDot"),
  "il-multi-turn": stepwise("Imitation, multi-turn", palette.sky, 4.8, "dots"),
  "grpo-multi-turn": stepwise("GRPO, multi-turn", palette.blue, 5, "even"),
  arpo: stepwise("ARPO", palette.purple, 5.5, "dashDots"),
  gigpo: stepwise("GiGPO", palette.vermilion, 6, "dense"),
  gigpo_dynamic: stepwise("GiGPO, dynamic", palette.wine, 6.2, "dashDot"),
  oracle: plain("Choice oracle", palette.black, 100, "solid"),
};

/** Colour of what others published. */
export const publishedColour = "#6b6b6b";

/** Whether a name is on the ladder itself: variants and strangers are not. */
export function isKnownAgent(name: string): boolean {
  return Object.prototype.hasOwnProperty.call(known, name);
}

/** An agent's look; a variant such as `grpo:no-kl` looks like its family, and a stranger is purple and last but one. */
export function agentStyle(name: string): AgentStyle {
  const exact = known[name];
  if (exact) return exact;
  const [base = "", ...changes] = name.split(":");
  const own = known[base];
  if (own) return { ...own, label: `${own.label}: ${changes.join(", ")}` };
  const family = known[name.split(/[:@-]/)[0] ?? ""];
  return family ? { ...family, label: name } : trained(name, palette.purple, 50, "solid");
}

/** Every agent that has a look of its own. */
export function knownAgents(): string[] {
  return Object.keys(known);
}

/** Where every agent of the ladder would be too many to tell apart: of the trained ones, one of each protocol. */
export const drawnAlone: ReadonlySet<string> = new Set([
  "random",
  "rule",
  "match",
  "prompted",
  "il",
  "grpo",
  "gigpo",
  "oracle",
]);

/** Names in the order of the ladder. */
export function byOrder<T>(items: readonly T[], nameOf: (item: T) => string): T[] {
  return [...items].sort((a, b) => agentStyle(nameOf(a)).order - agentStyle(nameOf(b)).order);
}
