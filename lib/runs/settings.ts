/** Settings given beside a configuration's file: `update.learningRate=1e-4`. */
import { InputError, quoted } from "../base/index.js";

type Plain = Readonly<Record<string, unknown>>;

/**
 * A configuration's content with settings over it. A value is read as JSON, and as text where it is none; the kind of run checks
 * the result as it checks a file.
 * @param settings each `path=value`, the path with dots
 * @throws InputError when one is not of that form, or the content is no object
 */
export function withSettings(value: unknown, settings: readonly string[], where: string): unknown {
  if (settings.length === 0) return value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InputError(`In ${where}: a configuration is a JSON object.`);
  }
  return settings.reduce<Plain>((all, setting) => {
    const [, path, text] = /^([^=\s.]+(?:\.[^=\s.]+)*)=(.*)$/s.exec(setting) ?? [];
    if (path === undefined || text === undefined) {
      throw new InputError(`${quoted(setting)} is no setting: write one as in update.learningRate=1e-4.`);
    }
    return withSetting(all, path.split("."), valueOf(text));
  }, value as Plain);
}

/** A configuration's content with the value at a path; sections on the way are made where there are none. */
export function withSetting(config: Plain, at: readonly string[], value: unknown): Plain {
  const [name, ...rest] = at;
  if (name === undefined) return config;
  if (rest.length === 0) return { ...config, [name]: value };
  const inner = config[name];
  const section =
    typeof inner === "object" && inner !== null && !Array.isArray(inner) ? (inner as Plain) : {};
  return { ...config, [name]: withSetting(section, rest, value) };
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
