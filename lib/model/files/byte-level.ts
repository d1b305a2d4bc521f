/**
 * The alphabet of byte-level tokenizers (GPT-2, Radford et al. 2019): every byte is written as one printable character, so
 * that a token is a plain string in `tokenizer.json`. Printable Latin-1 bytes stand for themselves, the other 68 for U+0100
 * and up, in order.
 */
const characters: readonly string[] = makeCharacters();
const bytesByCharacter: ReadonlyMap<string, number> = new Map(
  characters.map((character, byte) => [character, byte]),
);

/** The character that stands for each byte, by byte. */
export function byteCharacters(): readonly string[] {
  return characters;
}

/** The bytes of a token of a byte-level tokenizer. A character outside the alphabet stands for its own UTF-8. */
export function bytesOfToken(token: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = bytesByCharacter.get(character);
    if (byte === undefined) bytes.push(...Buffer.from(character, "utf8"));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

function makeCharacters(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(printable ? byte : next++);
  });
}
