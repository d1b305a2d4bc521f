/** The option decision: the values of one of a product's options in, a number out. Asked only where the model chooses options itself. */
import type { OptionGroup } from "../../simulator/index.js";
import type { Message } from "./message.js";

/** The prompt of one option; its values are numbered from 1 as printed. The answer is read as that of the selection. */
export function optionPrompt(
  instruction: string,
  title: string,
  { name, values }: OptionGroup,
): readonly Message[] {
  const lines = values.map((value, i) => `${i + 1}. ${value}`);
  return [
    { role: "system", content: "You pick the option that fits a request best." },
    {
      role: "user",
      content:
        `Instruction: ${instruction}\nProduct: ${title}\nOptions of ${name}:\n${lines.join("\n")}\n` +
        `Reply with a number from 1 to ${values.length} only.`,
    },
  ];
}
