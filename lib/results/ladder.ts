/**
 * The ladder: every method of the study, one row each, from the weakest idea to the strongest bound. A row is all that tables,
 * figures, comparisons and pages know of a method; adding one here puts it into all of them.
 */
import { dashes, inks, palette } from "./style/palette.js";

/** How often a method decides in an episode. */
export type Protocol = "two-decision" | "multi-turn";

/** One method: an agent without training, or an algorithm whose trained agents bear its name. */
export interface Method {
  readonly name: string;
  /** As people read it. */
  readonly label: string;
  /** The signal it learned from; its marks in figures follow from this and the protocol. */
  readonly learns: "nothing" | "demonstrations" | "reward";
  readonly protocol: Protocol;
  readonly colour: string;
  /** Its line's dashes; within methods of one mark no two are the same, which greyscale needs. */
  readonly dash: keyof typeof dashes;
  /** Seeds of its evaluation while no training record says which; one without chance in it needs one, every other three. */
  readonly seeds: readonly number[];
  /**
   * Its place in the main table: "always" a row, and compared with all others that are; "expected", a row that says "no record"
   * until there is one; or "recorded", a row once there is a record.
   */
  readonly shown: "always" | "expected" | "recorded";
  /** Drawn, too, where every method would be too many to tell apart. */
  readonly drawnAlone?: true;
  /** Methods that it is compared with beside its start: fixed before results are seen, so that Holm's correction covers what is asked. */
  readonly questions?: readonly string[];
  /** Its page in docs/algorithms, the methods shown there beside it and its start, and the published rows by id. */
  readonly page?: {
    readonly name: string;
    readonly beside?: readonly string[];
    readonly published?: readonly string[];
  };
}

const ONE = [0];
const THREE = [0, 1, 2];

type Look = readonly [colour: string, dash: keyof typeof dashes];
type Rest = Pick<Method, "shown" | "drawnAlone" | "questions" | "page">;

/** A row of an agent without a model. */
const rule = (name: string, label: string, [colour, dash]: Look, seeds: readonly number[]): Method => ({
  name,
  label,
  learns: "nothing",
  protocol: "two-decision",
  colour,
  dash,
  seeds,
  shown: "always",
  drawnAlone: true,
});

/** A row of a rule that reads: in the main table once it has a record, beside what has to beat it. */
const heuristic = (name: string, label: string, look: Look): Method => {
  const { drawnAlone: _, ...method } = rule(name, label, look, ONE);
  return { ...method, shown: "expected" };
};

/** A row of a language model that was not trained by reward. */
const taught = (
  name: string,
  label: string,
  [colour, dash]: Look,
  protocol: Protocol,
  rest: Rest,
): Method => ({ name, label, learns: "demonstrations", protocol, colour, dash, seeds: THREE, ...rest });

/** A row of an algorithm that learns from reward. */
const trained = (
  name: string,
  label: string,
  [colour, dash]: Look,
  protocol: Protocol,
  rest: Rest,
): Method => ({ name, label, learns: "reward", protocol, colour, dash, seeds: THREE, ...rest });

const { grey, orange, sky, green, blue, vermilion, purple, wine, black, silver, olive } = palette;

/** Every method, in the order of tables and figures. One a line or block, so that branches that add methods merge. */
// prettier-ignore
export const ladder: readonly Method[] = [
  rule("random", "Random", [grey, "dots"], THREE),
  rule("rule", "Rule", [orange, "short"], ONE),
  heuristic("rule-options", "Rule and options", [vermilion, "even"]),
  heuristic("no-price", "No price, first", [sky, "longer"]),
  heuristic("own-words", "Own words, first", [wine, "dashDot"]),
  rule("match", "Match", [green, "long"], ONE),
  heuristic("affordable", "Own words, affordable", [blue, "dense"]),
  heuristic("list-reader", "Title reader", [purple, "dashDots"]),
  heuristic("metadata-reader", "Metadata reader", [olive, "loose"]),
  heuristic("page-reader", "Page reader", [silver, "pairs"]),
  taught("prompted", "Prompted", [purple, "even"], "two-decision", { shown: "always", drawnAlone: true }),
  taught("il", "Imitation", [sky, "dashDot"], "two-decision", {
    shown: "always", drawnAlone: true,
    page: { name: "imitation", beside: ["il-multi-turn"], published: ["thesis-il", "webshop-il"] },
  }),
  trained("reinforce-pp", "REINFORCE++", [grey, "dense"], "two-decision", {
    shown: "expected", questions: ["grpo"], page: { name: "reinforce-pp", beside: ["grpo"] },
  }),
  trained("rloo", "RLOO", [wine, "short"], "two-decision", {
    shown: "expected", page: { name: "rloo", published: ["gigpo-rloo"] },
  }),
  trained("dr_grpo", "Dr.GRPO", [green, "long"], "two-decision", { shown: "expected", page: { name: "dr_grpo" } }),
  trained("dapo", "DAPO", [orange, "dashDots"], "two-decision", {
    shown: "expected", questions: ["grpo"], page: { name: "dapo", beside: ["grpo"] },
  }),
  trained("gspo", "GSPO", [sky, "dots"], "two-decision", {
    shown: "expected", questions: ["grpo"], page: { name: "gspo", beside: ["grpo"] },
  }),
  trained("cispo", "CISPO", [purple, "even"], "two-decision", {
    shown: "expected", questions: ["grpo"], page: { name: "cispo", beside: ["grpo"] },
  }),
  trained("ppo", "PPO", [black, "longer"], "two-decision", {
    shown: "expected", questions: ["grpo"], page: { name: "ppo", beside: ["grpo"], published: ["gigpo-ppo"] },
  }),
  trained("grpo", "GRPO", [blue, "solid"], "two-decision", {
    shown: "expected", drawnAlone: true, questions: ["rloo", "dr_grpo"],
    page: { name: "grpo", published: ["thesis-grpo", "gigpo-grpo"] },
  }),
  trained("thesis", "GRPO (thesis)", [vermilion, "dashDot"], "two-decision", {
    shown: "expected", questions: ["grpo", "rloo", "dr_grpo"],
    page: { name: "thesis", beside: ["grpo"], published: ["thesis-grpo"] },
  }),
  taught("il-multi-turn", "Imitation, multi-turn", [sky, "dots"], "multi-turn", { shown: "expected" }),
  trained("grpo-multi-turn", "GRPO, multi-turn", [blue, "even"], "multi-turn", { shown: "expected" }),
  trained("arpo", "ARPO", [purple, "dashDots"], "multi-turn", {
    shown: "expected", questions: ["grpo-multi-turn"], page: { name: "arpo", beside: ["grpo-multi-turn"] },
  }),
  trained("gigpo", "GiGPO", [vermilion, "dense"], "multi-turn", {
    shown: "expected", drawnAlone: true, questions: ["grpo-multi-turn"],
    page: { name: "gigpo", beside: ["gigpo_dynamic", "grpo-multi-turn"], published: ["gigpo", "gigpo-grpo"] },
  }),
  trained("gigpo_dynamic", "GiGPO, dynamic", [wine, "dashDot"], "multi-turn", { shown: "expected" }),
  rule("oracle", "Choice oracle", [black, "solid"], ONE),
];

const byName = new Map(ladder.map((method, place) => [method.name, { method, place }]));

/** The row of a method; undefined for variants, ablations and strangers. */
export function methodNamed(name: string): Method | undefined {
  return byName.get(name)?.method;
}

/** Whether a name is on the ladder itself: variants and strangers are not. */
export function isKnownAgent(name: string): boolean {
  return byName.has(name);
}

/** The start of training by reward where no training record says otherwise: imitation under the same protocol. */
export function usualStart(protocol: Protocol): string {
  return protocol === "multi-turn" ? "il-multi-turn" : "il";
}

/** How an agent looks everywhere: the same name, colour, mark and place in every figure and table. */
export interface AgentStyle {
  /** As people read it. */
  readonly label: string;
  readonly colour: string;
  /** The shape of its points: one for each kind of agent, so that no two agents have the same colour and shape. */
  readonly shape: "square" | "triangle-up" | "circle" | "triangle-down";
  /** Its line's dashes in pixels, on and off. */
  readonly dash: readonly number[];
  /** The same colour, dark enough for text on white (contrast of at least 4.5). */
  readonly ink: string;
  /** Position on the ladder; ties keep the order in which they come. */
  readonly order: number;
}

/** An agent's look; a variant such as `grpo:no-kl` looks like its family, and a stranger is purple and last but one. */
export function agentStyle(name: string): AgentStyle {
  const exact = byName.get(name);
  if (exact) return look(exact.method, exact.place);
  const [base = "", ...changes] = name.split(":");
  const own = byName.get(base);
  if (own) {
    const { method, place } = own;
    return { ...look(method, place), label: `${method.label}: ${changes.join(", ")}` };
  }
  const family = byName.get(name.split(/[:@-]/)[0] ?? "");
  if (family) return { ...look(family.method, family.place), label: name };
  const stranger = { name, label: name, learns: "reward", protocol: "two-decision" } as const;
  return look(
    { ...stranger, colour: purple, dash: "solid", seeds: ONE, shown: "recorded" },
    ladder.length - 1.5,
  );
}

function look({ label, colour, dash, learns, protocol }: Method, order: number): AgentStyle {
  const shape =
    learns === "nothing"
      ? "square"
      : protocol === "multi-turn"
        ? "triangle-down"
        : learns === "reward"
          ? "circle"
          : "triangle-up";
  return { label, colour, ink: inks[colour] ?? colour, shape, dash: dashes[dash], order };
}

/** Every agent that has a row of its own. */
export function knownAgents(): string[] {
  return ladder.map(({ name }) => name);
}

/** The methods drawn where every one would be too many to tell apart. */
export const drawnAlone: ReadonlySet<string> = new Set(
  ladder.filter((method) => method.drawnAlone).map(({ name }) => name),
);

/** Names in the order of the ladder. */
export function byOrder<T>(items: readonly T[], nameOf: (item: T) => string): T[] {
  return [...items].sort((a, b) => agentStyle(nameOf(a)).order - agentStyle(nameOf(b)).order);
}
