/** Arguments of the command line that nobody would give. */
import { strict as assert } from "node:assert";
import { type Command, CommanderError } from "commander";
import fc from "fast-check";
import { chosenAgent, type AgentFlags } from "../../../lib/cli/agent-options.js";
import { programOf } from "../../../lib/cli/program.js";
import { assertRefusal, NAMES, RUNS } from "../boundary.js";

/** A verb with the way to it. */
interface Verb {
  readonly path: readonly string[];
  readonly command: Command;
}

function verbsOf(command: Command, path: readonly string[] = []): Verb[] {
  const own = command.commands.flatMap((child) => verbsOf(child, [...path, child.name()]));
  return command.commands.length > 0 ? own : [{ path, command }];
}

const WORDS = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  NAMES,
  fc.constantFrom(
    ...[
      "-",
      "--",
      "-x",
      "--help",
      "-h",
      "--version",
      "=",
      "--=",
      "--no-",
      "a=b",
      "0",
      "-1",
      "1e9",
      "NaN",
      "0x10",
      "١",
      "1,2",
      "1,,2",
      "9007199254740993",
      "http://[",
      "{",
      "null",
    ],
  ),
);

/** Choices of an agent: each may read a model or records, so they are fewer. */
const CHOICES = Math.ceil(RUNS / 20);

describe("full: arguments of the command line", function () {
  this.timeout(1_200_000);
  /** The program, in which nothing is done: its verbs note that they would have been. */
  function idle(note: (options: object) => void): Command {
    const program = programOf();
    for (const { command } of verbsOf(program))
      command.action((...given) => note((given.at(-1) as Command).opts()));
    for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
      command.configureOutput({ writeOut: () => undefined, writeErr: (text) => (said += text) });
    }
    return program;
  }
  let said = "";
  const verbs = verbsOf(programOf()).map(({ path, command }) => ({
    path,
    flags: command.options.flatMap(({ long, short }) =>
      [long, short].filter((flag) => typeof flag === "string"),
    ),
  }));

  it(`are parsed or refused in a sentence, ${RUNS} of them`, async () => {
    const argv = fc.constantFrom(...verbs).chain(({ path, flags }) => {
      const flag = flags.length > 0 ? fc.constantFrom(...flags) : WORDS;
      const piece = fc.oneof(
        { weight: 3, arbitrary: fc.tuple(flag, WORDS) },
        fc.tuple(flag, WORDS).map(([name, value]) => [`${name}=${value}`]),
        WORDS.map((word) => [word]),
        flag.map((name) => [name.slice(0, -1)]),
      );
      const way = fc.oneof(
        { weight: 8, arbitrary: fc.constant(path) },
        WORDS.map((word) => [word, ...path]),
        fc.constant(path.map((word) => word.slice(1))),
      );
      return fc
        .tuple(way, fc.array(piece, { maxLength: 4 }))
        .map(([words, pieces]) => [...words, ...pieces.flat()]);
    });
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(argv, async (words) => {
        said = "";
        let done: object | null = null;
        try {
          await idle((options) => (done = options)).parseAsync(["node", "aisle", ...words]);
          if (done) taken++;
          for (const value of Object.values(done ?? {})) {
            assert.ok(typeof value !== "number" || Number.isFinite(value), JSON.stringify(words));
          }
        } catch (error) {
          if (error instanceof CommanderError) {
            assert.ok(!/\[object|TypeError|\n +at /.test(said), `${JSON.stringify(words)}: ${said}`);
            return;
          }
          assertRefusal(error, JSON.stringify(words));
        }
      }),
      { numRuns: RUNS },
    );
    assert.ok(taken > RUNS / 20, `${taken} were taken`);
  });

  it(`name an agent or are refused in a sentence, ${CHOICES} of them`, async () => {
    const value = fc.oneof(WORDS, fc.constantFrom("1", "0.5", "none", "max_tokens", "temperature"));
    const flags = fc.record(
      {
        agent: fc.oneof(
          {
            weight: 3,
            arbitrary: fc.constantFrom("rule", "random", "oracle", "match", "policy"),
          },
          WORDS,
        ),
        model: value,
        selectModel: value,
        name: value,
        history: fc.nat(9),
        temperature: fc.double({ min: 0, max: 10, noNaN: true }),
        runs: fc.constant("test/full/none"),
        react: fc.boolean(),
        multiTurn: fc.boolean(),
        fewShot: fc.nat(3),
        maxTokens: fc.nat(9),
        dtype: value,
        price: value,
        extra: value,
      },
      { requiredKeys: ["agent"] },
    );
    const few = fc.tuple(flags, fc.array(fc.nat(20), { maxLength: 2 })).map(([{ agent, ...all }, kept]) => {
      const entries = Object.entries(all);
      return Object.fromEntries([["agent", agent], ...entries.filter((_, i) => kept.includes(i))]);
    });
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(few, async (given) => {
        try {
          const chosen = await chosenAgent({ plugin: [], ...given } as unknown as AgentFlags);
          assert.equal(typeof chosen.prompting, "boolean");
          taken++;
        } catch (error) {
          assertRefusal(error, JSON.stringify(given));
        }
      }),
      { numRuns: CHOICES },
    );
    assert.ok(taken > CHOICES / 100, `${taken} were taken`);
  });
});
