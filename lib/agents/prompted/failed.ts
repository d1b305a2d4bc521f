/** Episodes whose model gave no answer: they end there, and the others go on. */
import type { Play, Question, Said } from "../protocols/play.js";
import { playOut } from "../protocols/play.js";
import type { Trajectory } from "../types.js";
import type { Answer } from "./completer.js";

class NoAnswer extends Error {
  constructor(
    readonly question: Question,
    readonly answer: Answer,
  ) {
    super(answer.failed);
  }
}

/** Plays an episode to its end, or to a question to which there is no answer. */
export async function playAnswered<Asked extends Question>(
  name: string,
  play: Play<Asked>,
  decide: (question: Asked) => Promise<Answer>,
  fits?: Parameters<Play<Asked>["ask"]>[0],
): Promise<Trajectory> {
  const answered = async (question: Asked): Promise<Said> => {
    const answer = await decide(question);
    if (answer.failed !== undefined) throw new NoAnswer(question, answer);
    return answer;
  };
  try {
    await playOut(play, answered, fits);
    return play.trajectory(name);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    const { question, answer } = error;
    return endedAt(play.trajectory(name), question, answer.failed!, answer);
  }
}

/** An episode that ended because a question was not answered. */
export function endedAt(
  trajectory: Trajectory,
  { task, prompt }: Pick<Question, "task" | "prompt">,
  failed: string,
  known: Pick<Answer, "truncated"> & Partial<Pick<Answer, "promptTokens" | "completionTokens">> = {},
): Trajectory {
  const { steps, decisions = [] } = trajectory;
  const { promptTokens, completionTokens, truncated = false } = known;
  return {
    ...trajectory,
    decisions: [
      ...decisions,
      {
        task,
        step: steps.length,
        prompt,
        answer: "",
        ...(promptTokens === undefined || completionTokens === undefined
          ? {}
          : { promptTokens, completionTokens }),
        formatValid: false,
        admissible: false,
        repaired: false,
        truncated,
        failed,
      },
    ],
  };
}
