// What the IDE and the frame with the rendered view say to each other. The frame shows what anybody may have written: its words are not trusted.

/** Ways to render a text. */
export type Rendering = "markdown" | "svg" | "notebook";

export type ToFrame =
  | { readonly type: "show"; readonly rendering: Rendering; readonly name: string; readonly text: string }
  | { readonly type: "theme"; readonly theme: string; readonly contrast: string }
  /** What was asked for; null when there is none, or it may not be shown. */
  | { readonly type: "picture"; readonly path: string; readonly picture: Blob | null }
  /** To scroll to what stands there in the text. */
  | { readonly type: "at"; readonly at: number };

export type FromFrame =
  | { readonly type: "link"; readonly href: string }
  | { readonly type: "picture"; readonly path: string }
  /** Keys that are the IDE's. */
  | { readonly type: "key"; readonly key: "F6" | "Escape" | "toggle" }
  /** What was sent last is shown. */
  | { readonly type: "shown" };

export function isFromFrame(value: unknown): value is FromFrame {
  if (typeof value !== "object" || value === null) return false;
  const { type, href, path, key } = value as Record<string, unknown>;
  if (type === "link") return typeof href === "string" && href.length <= 8192;
  if (type === "picture") return typeof path === "string" && path.length <= 8192;
  if (type === "key") return key === "F6" || key === "Escape" || key === "toggle";
  return type === "shown";
}
