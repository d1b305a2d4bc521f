/**
 * Where records live, from the project root. A person's own records are ignored by git; those that the study's
 * tables and figures are made from are committed. Both are read, the own first.
 */

/** Records of the person at this machine. */
export const ownFolder = "runs";

/** The committed evidence: what tables, figures and the thesis are made from. */
export const runsFolder = "data/runs";

/** The default places of records. */
export const recordPlaces: readonly string[] = [ownFolder, runsFolder];

/** The other places that are read together with one: none beside a folder that was named. */
export function placesBeside(place: string): readonly string[] {
  return recordPlaces.includes(place) ? recordPlaces.filter((one) => one !== place) : [];
}

/** Where to read: one's own records together with the committed ones, every other place alone. */
export function placesFrom(place = ownFolder): readonly string[] {
  return place === ownFolder ? recordPlaces : [place];
}
