import { strict as assert } from "node:assert";
import {
  admissibleActions,
  type Completer,
  multiTurnAgent,
  MultiTurnPlay,
  type MultiTurnRules,
  PLAIN_FORM,
  playOut,
  type Trajectory,
  VERL_AGENT_FORM,
} from "../../lib/agents/index.js";
import { stream } from "../../lib/base/index.js";
import { openEnvironment } from "../../lib/simulator/index.js";
import { tinyGoal, tinyProduct, TinyCatalogue } from "../simulator/tiny.js";

const mug = tinyProduct({
  asin: "B0MUG00001",
  title: "Big Red Mug",
  options: [{ name: "color", values: ["white", "red"] }],
});
const goal = tinyGoal(mug, { instruction: "i need a red mug", options: ["red"], attributes: [] });
const environment = openEnvironment(new TinyCatalogue([mug], [goal]));

/** An episode in which a model says these things, one after another, and then nothing that is possible. */
async function played(answers: readonly string[], rules: Partial<MultiTurnRules> = {}): Promise<Trajectory> {
  const play = new MultiTurnPlay(environment, 0, { form: PLAIN_FORM, maxSteps: 10, ...rules });
  let at = 0;
  await playOut(play, () => ({ text: answers[at++] ?? "nothing" }));
  return play.trajectory("scripted");
}

const act = (action: string): string => `<action>${action}</action>`;
const toTheEnd = [act("search[red mug]"), act("click[b0mug00001]"), act("click[red]"), act("click[buy now]")];

describe("the multi-turn protocol", () => {
  it("takes one action after another, up to the purchase", async () => {
    const { steps, reward, decisions } = await played(toTheEnd);
    assert.deepEqual(
      steps.map(({ action }) => act(action)),
      toTheEnd,
    );
    assert.equal(reward, 1);
    assert.ok(
      decisions!.every(({ formatValid, admissible, repaired }) => formatValid && admissible && !repaired),
    );
    assert.deepEqual(
      decisions!.map(({ step }) => step),
      [0, 1, 2, 3],
    );
  });

  it("ends after the steps that it allows, with nothing bought, and counts what nobody could follow", async () => {
    const { steps, reward, parts, decisions } = await played([toTheEnd[0]!], { maxSteps: 3 });
    assert.deepEqual([steps.length, reward, parts], [3, 0, null]);
    assert.deepEqual(
      steps.map(({ valid }) => valid),
      [true, false, false],
    );
    assert.deepEqual(
      decisions!.map(({ formatValid, admissible }) => [formatValid, admissible]),
      [
        [true, true],
        [false, false],
        [false, false],
      ],
    );
    const none = await played([act("search[zzzz]")], { maxSteps: 2 });
    assert.equal(none.steps.length, 2, "a search without results is a step, and the episode goes on");
  });

  it("repairs a click that is almost on the page, where it is allowed to, and says so", async () => {
    const almost = [toTheEnd[0]!, act("click[b0mug00007]"), act("click[red]"), act("click[buy now]")];
    const without = await played(almost, { maxSteps: 4 });
    assert.equal(without.parts, null);
    assert.deepEqual(
      without.decisions!.map(({ admissible, repaired }) => [admissible, repaired]),
      [
        [true, false],
        [false, false],
        [false, false],
        [false, false],
      ],
    );
    const repaired = await played(almost, { repair: 0.5 });
    assert.equal(repaired.reward, 1);
    assert.equal(repaired.steps[1]!.action, "click[b0mug00001]");
    assert.deepEqual(
      repaired.decisions!.map(({ admissible, repaired: mended }) => [admissible, mended]),
      [
        [true, false],
        [false, true],
        [true, false],
        [true, false],
      ],
    );
    assert.equal(repaired.decisions![1]!.answer, act("click[b0mug00007]"), "the answer stays as it was said");
  });

  it("is the same for an agent that is asked and for the play: prompt, steps, decisions", async () => {
    const asked: string[] = [];
    const completer: Completer = {
      settings: { model: "scripted" },
      complete: async (messages) => {
        asked.push(messages.map(({ content }) => content).join("\n"));
        return { text: toTheEnd[asked.length - 1]!, promptTokens: 7, completionTokens: 3 };
      },
    };
    const agent = multiTurnAgent("scripted", completer, { form: PLAIN_FORM, maxSteps: 10, repair: 0.5 });
    assert.equal(agent.settings["repair"], 0.5);
    const { decisions, ...trajectory } = await agent.play(environment, 0, stream(0, "x"));
    const { decisions: expected, ...same } = await played(toTheEnd);
    assert.deepEqual(trajectory, same);
    assert.deepEqual(
      decisions!.map(({ prompt }) => prompt[0]!.content),
      asked,
    );
    assert.deepEqual(
      decisions,
      expected!.map((decision) => ({ ...decision, promptTokens: 7, completionTokens: 3 })),
    );
  });

  it("takes a teacher's actions as they are, and asks what it would ask after an answer", () => {
    const taught = new MultiTurnPlay(environment, 0, { form: VERL_AGENT_FORM });
    const told = new MultiTurnPlay(environment, 0, { form: VERL_AGENT_FORM });
    for (const answer of toTheEnd.slice(0, 2)) {
      assert.deepEqual(taught.ask(), told.ask());
      told.answer({ text: `<think>so</think>${answer}` });
      taught.take(answer.slice("<action>".length, -"</action>".length));
    }
    assert.deepEqual(taught.ask(), told.ask());
    assert.ok(admissibleActions(environment, taught.state).includes("click[red]"));
    assert.equal(taught.trajectory("t").decisions, undefined);
    assert.equal(taught.take("click[Red MUG]").valid, false);
    assert.equal(taught.trajectory("t").steps[2]!.action, "click[Red MUG]");
  });

  it("goes on from a copy without changing the episode that was copied", () => {
    const play = new MultiTurnPlay(environment, 0, { form: PLAIN_FORM });
    play.ask();
    const copy = play.fork();
    copy.answer({ text: toTheEnd[0]! });
    assert.deepEqual([play.trajectory("a").steps.length, play.trajectory("a").decisions], [0, undefined]);
    assert.equal(copy.trajectory("a").decisions!.length, 1);
    assert.throws(() => copy.answer({ text: "x" }), /Nothing was asked/);
    assert.notDeepEqual(play.ask()!.page, copy.ask()!.page);
  });
});
