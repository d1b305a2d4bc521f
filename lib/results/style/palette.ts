/**
 * Okabe & Ito's palette (2008) and Tol's wine and olive, told apart with any colour vision; neighbours on the ladder differ in lightness too,
 * so that they can be told apart in greyscale.
 */
export const palette = {
  grey: "#8a8a8a",
  orange: "#e69f00",
  sky: "#56b4e9",
  green: "#009e73",
  blue: "#0072b2",
  vermilion: "#d55e00",
  purple: "#cc79a7",
  wine: "#882255",
  black: "#222222",
  silver: "#b5b5b5",
  olive: "#80801a",
} as const;

/** Darker shades of the palette's light colours, for text; what is missing is dark enough itself. */
export const inks: Readonly<Record<string, string>> = {
  [palette.grey]: "#6b6b6b",
  [palette.silver]: "#6b6b6b",
  [palette.orange]: "#8f6200",
  [palette.sky]: "#1a6f9f",
  [palette.green]: "#007a59",
  [palette.vermilion]: "#b04d00",
  [palette.purple]: "#a3457c",
  [palette.olive]: "#6e6e14",
};

/** How lines are broken; solid first. */
export const dashes = {
  solid: [1, 0],
  long: [7, 3],
  longer: [12, 4],
  even: [4, 3],
  short: [2, 2],
  dots: [1, 3],
  dashDot: [8, 3, 2, 3],
  dashDots: [8, 2, 2, 2, 2, 2],
  dense: [5, 1],
  loose: [3, 5],
  pairs: [2, 1, 2, 4],
} as const;

/** Colour of what others published. */
export const publishedColour = "#6b6b6b";
