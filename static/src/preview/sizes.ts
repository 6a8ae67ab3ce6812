// The sizes at which the preview can show a page, in CSS pixels. Pure.

export interface Size {
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

export const SIZES: readonly Size[] = [
  { name: "Small phone", width: 360, height: 640 },
  { name: "Phone", width: 390, height: 844 },
  { name: "Large phone", width: 430, height: 932 },
  { name: "Tablet", width: 768, height: 1024 },
];

/** What a person chose: the name of a size, null for all there is, and whether it lies on its side. */
export interface Screen {
  readonly name: string | null;
  readonly rotated: boolean;
}

export const FULL: Screen = { name: null, rotated: false };

export function isScreen(value: unknown): value is Screen {
  const screen = value as Partial<Screen> | null;
  return typeof screen === "object" && typeof screen?.rotated === "boolean" && (screen.name === null || SIZES.some(({ name }) => name === screen.name));
}

/** Width and height of the page; null for all there is. */
export function sizeOf({ name, rotated }: Screen): { readonly width: number; readonly height: number } | null {
  const size = SIZES.find((item) => item.name === name);
  if (!size) return null;
  return rotated ? { width: size.height, height: size.width } : size;
}
