import type { SampleRequest } from "./types.js";

/** Requests that begin with the same shared tokens, in order of first appearance; one that shares nothing stands alone. */
export function sharing(requests: readonly Pick<SampleRequest, "prompt" | "shared">[]): number[][] {
  const groups: number[][] = [];
  const bySharing = new Map<string, number[]>();
  requests.forEach(({ prompt, shared = 0 }, r) => {
    const key = shared > 0 ? prompt.slice(0, shared).join() : undefined;
    const found = key === undefined ? undefined : bySharing.get(key);
    if (found) {
      found.push(r);
      return;
    }
    const group = [r];
    groups.push(group);
    if (key !== undefined) bySharing.set(key, group);
  });
  return groups;
}
