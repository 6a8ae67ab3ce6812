// Style elements under the page's content security policy.

/**
 * Gives each style element that this page creates the nonce that the policy names. CodeMirror takes the nonce as a setting; xterm.js
 * has none and makes its style elements itself. Nothing else changes: a script element gets no nonce.
 */
export function allowStyles(page: Document, nonce: string): void {
  if (!nonce) return;
  const create = page.createElement.bind(page);
  page.createElement = (name: string, options?: ElementCreationOptions): HTMLElement => {
    const element = create(name, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  };
}
