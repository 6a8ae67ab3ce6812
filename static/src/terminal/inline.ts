// Inline styles of xterm.js under the page's content security policy.

/**
 * Lets spans take a `style` attribute from a script. Where there is no WebGL, xterm.js writes colours into that attribute, which the
 * policy refuses, while it lets scripts set the same through `style.cssText`. Markup that carries a style is refused as before.
 */
export function allowSpanStyles(): void {
  const spans = HTMLSpanElement.prototype;
  if (Object.hasOwn(spans, "setAttribute")) return;
  spans.setAttribute = function (this: HTMLSpanElement, name: string, value: string): void {
    if (name === "style") this.style.cssText = value;
    else Element.prototype.setAttribute.call(this, name, value);
  };
}
