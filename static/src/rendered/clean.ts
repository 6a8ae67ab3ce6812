// Takes out of HTML all that is not for reading. What is left asks for nothing, runs nothing and leads nowhere by itself.

const ELEMENTS: ReadonlySet<string> = new Set(
  (
    "a abbr b blockquote br caption center cite code col colgroup dd del details dfn div dl dt em figcaption figure font h1 h2 h3 h4 h5 h6 hr i img " +
    "input ins kbd li mark ol p picture pre q rp rt ruby s samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr"
  ).split(" "),
);
// Whose content is no text to read either.
const DROPPED: ReadonlySet<string> = new Set("applet audio base button embed frame frameset head iframe link math meta noscript object script select source style svg template textarea title track video".split(" "));

const ATTRIBUTES: ReadonlySet<string> = new Set("align alt class colspan data-at dir height id lang open rowspan scope start title valign width".split(" "));
// Names that rendering gives, so that no text takes others.
const CLASSES: ReadonlySet<string> = new Set("cell code count output source stderr".split(" "));

/** More are not for reading either, and make the browser slow. */
const MOST_NODES = 100_000;

/** The content of `html` without what may not be shown. Each picture and link is given to `see`. */
export function clean(html: string, see: { picture(image: HTMLImageElement, src: string): void; link(anchor: HTMLAnchorElement, href: string): void }): DocumentFragment {
  // A document of its own that runs and loads nothing.
  const source = new DOMParser().parseFromString(html, "text/html");
  const result = document.createDocumentFragment();
  let left = MOST_NODES;
  const copy = (from: Node, to: Node): void => {
    for (const node of from.childNodes) {
      if ((left -= 1) < 0) return;
      if (node instanceof Text) to.appendChild(document.createTextNode(node.data));
      if (!(node instanceof Element)) continue;
      const name = node.localName;
      if (DROPPED.has(name)) continue;
      const target = ELEMENTS.has(name) && node instanceof HTMLElement ? to.appendChild(cleanElement(node, name)) : to;
      if (target instanceof HTMLImageElement) see.picture(target, node.getAttribute("src") ?? "");
      if (target instanceof HTMLAnchorElement) see.link(target, node.getAttribute("href") ?? "");
      copy(node, target);
    }
  };
  copy(source.body, result);
  if (left < 0) result.appendChild(document.createTextNode("… There is more, which is too much to be shown."));
  return result;
}

function cleanElement(node: HTMLElement, name: string): HTMLElement {
  const element = document.createElement(name);
  for (const { name: attribute, value } of node.attributes) {
    if (attribute === "class") element.className = value.split(" ").filter((word) => CLASSES.has(word)).join(" ");
    else if (ATTRIBUTES.has(attribute)) element.setAttribute(attribute, value);
  }
  if (element instanceof HTMLInputElement) {
    element.type = "checkbox";
    element.disabled = true;
    element.checked = node.hasAttribute("checked");
  }
  return element;
}
