/** How large everything is. */
export const PROFILES = ["smoke", "seminar", "thesis"] as const;
/** One of {@link PROFILES}. */
export type Profile = (typeof PROFILES)[number];
