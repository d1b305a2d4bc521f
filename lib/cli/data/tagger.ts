import { note, printJson } from "../common.js";
import { withInterrupts } from "../interrupts.js";

/** `aisle data fetch tagger`: the weights by which WebShop's reward finds nouns. */
export async function getTagger(flags: {
  readonly from?: string;
  readonly out?: string;
  readonly json?: boolean;
}): Promise<void> {
  const { fetchTagger, taggerFile } = await import("../../simulator/index.js");
  const { from, out = taggerFile() } = flags;
  const { name, version, source } = await withInterrupts((signal) =>
    fetchTagger({ out, signal, ...(from === undefined ? {} : { from }) }),
  );
  if (flags.json) printJson({ out, name, version, source });
  else note(`${out}: ${name} ${version} from ${source.file} (SHA-256 ${source.sha256}).`);
}
