/** How an agent looks everywhere: the same name, colour and place in every figure and table. */
export interface AgentStyle {
  /** As people read it. */
  readonly label: string;
  readonly colour: string;
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
} as const;

/** Darker shades of the palette's light colours, for text; what is missing is dark enough itself. */
const inks: Readonly<Record<string, string>> = {
  [palette.grey]: "#6b6b6b",
  [palette.orange]: "#8f6200",
  [palette.sky]: "#1a6f9f",
  [palette.green]: "#007a59",
  [palette.vermilion]: "#b04d00",
  [palette.purple]: "#a3457c",
};

const look = (label: string, colour: string, order: number): AgentStyle => ({
  label,
  colour,
  ink: inks[colour] ?? colour,
  order,
});

const known: Readonly<Record<string, AgentStyle>> = {
  random: look("Random", palette.grey, 0),
  rule: look("Rule", palette.orange, 1),
  match: look("Match", palette.green, 1.5),
  prompted: look("Prompted", palette.purple, 2),
  il: look("Imitation", palette.sky, 3),
  imitation: look("Imitation", palette.sky, 3),
  "grpo-multi-turn": look("GRPO, multi-turn", palette.blue, 5),
  reinforce: look("REINFORCE", palette.grey, 3.2),
  rloo: look("RLOO", palette.wine, 3.5),
  dr_grpo: look("Dr.GRPO", palette.green, 3.6),
  ppo: look("PPO", palette.orange, 3.8),
  grpo: look("GRPO", palette.blue, 4),
  thesis: look("GRPO (thesis)", palette.vermilion, 4.2),
  gigpo: look("GiGPO", palette.vermilion, 6),
  oracle: look("Choice oracle", palette.black, 100),
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
  const family = known[name.split(/[:@-]/)[0] ?? ""];
  return family ? { ...family, label: name } : look(name, palette.purple, 50);
}

/** Names in the order of the ladder. */
export function byOrder<T>(items: readonly T[], nameOf: (item: T) => string): T[] {
  return [...items].sort((a, b) => agentStyle(nameOf(a)).order - agentStyle(nameOf(b)).order);
}
