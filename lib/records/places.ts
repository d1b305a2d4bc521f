/**
 * Where records live, from the project root. What a person's own runs leave is theirs alone (git ignores it); what the study's
 * tables and figures are made from is committed. Both are read, the own first.
 */

/** Records of the person at this machine. */
export const ownFolder = "runs";

/** The committed evidence: what tables, figures and the thesis are made from. */
export const runsFolder = "data/runs";

/** Where records are looked for when nobody says where. */
export const recordPlaces: readonly string[] = [ownFolder, runsFolder];

/** The other places that are read together with one: none beside a folder that was named. */
export function placesBeside(place: string): readonly string[] {
  return recordPlaces.includes(place) ? recordPlaces.filter((one) => one !== place) : [];
}

/** Where to read: one's own records together with the committed ones, every other place alone. */
export function placesFrom(place = ownFolder): readonly string[] {
  return place === ownFolder ? recordPlaces : [place];
}
