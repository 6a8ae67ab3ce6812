// The colours of a terminal, light and dark. Every text colour keeps 4.5:1 on its background.

import type { ITheme } from "@xterm/xterm";

const LIGHT: ITheme = {
  background: "#ffffff",
  foreground: "#1c2127",
  cursor: "#2858c5",
  cursorAccent: "#ffffff",
  selectionBackground: "#c7d9ff",
  selectionInactiveBackground: "#dfe6ef",
  overviewRulerBorder: "#ffffff",
  scrollbarSliderBackground: "#858f9b66",
  scrollbarSliderHoverBackground: "#858f9baa",
  scrollbarSliderActiveBackground: "#626c78cc",
  black: "#1c2127",
  red: "#b3261e",
  green: "#176b36",
  yellow: "#7d5200",
  blue: "#2858c5",
  magenta: "#8a2ba5",
  cyan: "#0b6a75",
  white: "#626c78",
  brightBlack: "#4d5662",
  brightRed: "#c9302c",
  brightGreen: "#1d7a40",
  brightYellow: "#8a5a00",
  brightBlue: "#3567d6",
  brightMagenta: "#9a3bb5",
  brightCyan: "#0f7580",
  brightWhite: "#626c78",
};

const DARK: ITheme = {
  background: "#14171c",
  foreground: "#e2e6ec",
  cursor: "#86abff",
  cursorAccent: "#14171c",
  selectionBackground: "#2b4577",
  selectionInactiveBackground: "#2e3641",
  overviewRulerBorder: "#14171c",
  scrollbarSliderBackground: "#67717e66",
  scrollbarSliderHoverBackground: "#67717eaa",
  scrollbarSliderActiveBackground: "#8b95a3cc",
  black: "#8b95a3",
  red: "#ff8f86",
  green: "#62ca83",
  yellow: "#e0b04e",
  blue: "#86abff",
  magenta: "#cf9bf0",
  cyan: "#6fd0d4",
  white: "#c9d0d9",
  brightBlack: "#8b95a3",
  brightRed: "#ffaaa3",
  brightGreen: "#8adba3",
  brightYellow: "#ecc67a",
  brightBlue: "#a9c4ff",
  brightMagenta: "#debcf5",
  brightCyan: "#97dfe2",
  brightWhite: "#ffffff",
};

export function themeFor(dark: boolean): ITheme {
  return dark ? DARK : LIGHT;
}

/** How found text is marked; xterm.js takes no CSS variables. */
export function searchColours(dark: boolean): {
  readonly matchBackground: string;
  readonly activeMatchBackground: string;
  readonly matchOverviewRuler: string;
  readonly activeMatchColorOverviewRuler: string;
} {
  return {
    matchBackground: dark ? "#4c431c" : "#fff0b3",
    activeMatchBackground: dark ? "#7a661a" : "#ffd95c",
    matchOverviewRuler: dark ? "#e0b04e" : "#875400",
    activeMatchColorOverviewRuler: dark ? "#ffffff" : "#1c2127",
  };
}
