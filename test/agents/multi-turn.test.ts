import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  PLAIN_FORM,
  VERL_AGENT_FORM,
  multiTurnContext,
  type TakenStep,
  admissibleActions,
  fittingPrompt,
  isAdmissible,
  pageText,
} from "../../lib/agents/index.js";
import {
  buildCatalogue,
  type DiskCatalogue,
  type Environment,
  openCatalogue,
  openEnvironment,
  recipeSource,
  type SessionState,
} from "../../lib/simulator/index.js";

describe("the multi-turn prompt", function () {
  this.timeout(30000);
  let root: string;
  let shop: DiskCatalogue;
  let environment: Environment;

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "aisle-multi-turn-"));
    await buildCatalogue(recipeSource({ products: 400, seed: 6 }), join(root, "shop"));
    shop = openCatalogue(join(root, "shop"));
    environment = openEnvironment(shop);
  });
  after(() => {
    shop.close();
    rmSync(root, { recursive: true, force: true });
  });

  /** Some steps from the start: a search, its next page, and the first product of that. */
  function walk(): { state: SessionState; steps: TakenStep[] } {
    let state = environment.reset({ goal: 3 });
    const steps: TakenStep[] = [];
    const act = (action: string): void => {
      steps.push({ page: pageText(environment, state), action });
      state = environment.step(state, action).state;
    };
    act(`search[${shop.goal(3).instruction}]`);
    act("click[next >]");
    act(admissibleActions(environment, state).at(-1)!);
    return { state, steps };
  }

  it("tells the task once, the page one text a line, and every possible action as it must be written", () => {
    const { state, steps } = walk();
    const [message] = fittingPrompt(multiTurnContext(environment, state, steps, PLAIN_FORM));
    const { instruction } = shop.goal(3);
    const said = message!.content.split(instruction).length - 1;
    assert.equal(said, 2, "the task, and the search that repeated it");
    assert.ok(!pageText(environment, state).includes(instruction));
    assert.ok(!message!.content.includes("[SEP]"));
    for (const action of admissibleActions(environment, state)) {
      assert.ok(message!.content.includes(`\n${action}\n`), action);
      assert.ok(isAdmissible(environment, state, action), action);
    }
    assert.ok(message!.content.includes("\nAction 2: click[next >]\n"));
  });

  it("begins with the same text wherever the same page is seen", () => {
    const { state, steps } = walk();
    const text = (past: readonly TakenStep[]): string =>
      fittingPrompt(multiTurnContext(environment, state, past, PLAIN_FORM))[0]!.content;
    const page = text(steps).split("Steps taken:")[0]!;
    assert.ok(page.includes(admissibleActions(environment, state).at(-1)!));
    assert.ok(text([]).startsWith(page) && text(steps.slice(1)).startsWith(page));
  });

  it("shows past pages only where it is asked to, and no more steps than asked", () => {
    const { state, steps } = walk();
    const contents = (options: typeof PLAIN_FORM): string =>
      fittingPrompt(multiTurnContext(environment, state, steps, options))[0]!.content;
    assert.ok(!contents(PLAIN_FORM).includes("Observation 2:"));
    assert.ok(contents(VERL_AGENT_FORM).includes(`Observation 3:\n${steps[2]!.page}\nAction 3:`));
    assert.ok(!contents(VERL_AGENT_FORM).includes("Action 1:"));
    assert.ok(!contents({ ...PLAIN_FORM, history: 0 }).includes("Action"));
    assert.ok(contents(VERL_AGENT_FORM).includes("<think></think>"));
  });

  it("tells less where it would not fit, and says when nothing would", () => {
    const { state, steps } = walk();
    const context = multiTurnContext(environment, state, steps, VERL_AGENT_FORM);
    const whole = fittingPrompt(context)[0]!.content;
    const upTo =
      (length: number) =>
      (messages: readonly { content: string }[]): boolean =>
        messages[0]!.content.length <= length;
    const shorter = fittingPrompt(context, upTo(whole.length - 1))[0]!.content;
    assert.ok(shorter.includes("Action 3:") && !shorter.includes("Action 2:"));
    const bare = fittingPrompt({ ...context, history: [] })[0]!.content;
    const cut = fittingPrompt(context, upTo(bare.length - 5))[0]!.content;
    assert.equal(cut.length, bare.length - 5);
    assert.ok(cut.includes(" …\nPossible actions:\n"));
    assert.throws(() => fittingPrompt(context, upTo(100)), /does not fit into the model/);
  });

  it("calls an action admissible as the page does", () => {
    const start = environment.reset({ goal: 0 });
    assert.ok(isAdmissible(environment, start, "search[red mug]"));
    for (const wrong of ["search[]", "search[ ]", "click[search]", "click[buy now]", "buy now", "search[a"]) {
      assert.ok(!isAdmissible(environment, start, wrong), wrong);
    }
    const { state } = walk();
    assert.ok(!isAdmissible(environment, state, "search[red mug]"));
  });
});
