// The frame in which Markdown, SVG and notebooks are shown as what they mean: a page of no origin, whose policy lets it load this
// script and its looks and nothing else. What it shows comes from the IDE by a port, and so do the project's pictures.

import { clean } from "./clean";
import { linkOf } from "./links";
import { renderMarkdown } from "./markdown";
import type { FromFrame, Rendering, ToFrame } from "./messages";
import { renderNotebook } from "./notebook";

const DATA_PICTURE = /^data:image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml|x-icon)[;,]/i;

class Frame {
  private readonly main = document.createElement("main");
  /** Addresses of the pictures that have come, by their paths. */
  private readonly pictures = new Map<string, string | null>();

  constructor(private readonly port: MessagePort) {
    document.body.append(this.main);
    port.onmessage = ({ data }: MessageEvent<ToFrame>) => this.handle(data);
    document.addEventListener("click", (event) => this.handleClick(event), true);
    document.addEventListener("auxclick", (event) => this.handleClick(event), true);
    document.addEventListener("keydown", (event) => this.handleKey(event));
  }

  private tell(message: FromFrame): void {
    this.port.postMessage(message);
  }

  private handle(message: ToFrame): void {
    switch (message.type) {
      case "show":
        this.show(message.rendering, message.name, message.text);
        this.tell({ type: "shown" });
        break;
      case "theme":
        Object.assign(document.documentElement.dataset, { theme: message.theme, contrast: message.contrast });
        break;
      case "picture":
        this.pictures.set(message.path, message.picture && URL.createObjectURL(message.picture));
        for (const image of this.main.querySelectorAll("img")) if (image.dataset["path"] === message.path) this.setPicture(image, message.path);
        break;
      case "at":
        this.scrollTo(message.at);
    }
  }

  private show(rendering: Rendering, name: string, text: string): void {
    const { scrollTop, scrollLeft } = document.documentElement;
    document.title = name;
    this.main.className = rendering;
    try {
      if (rendering === "svg") this.main.replaceChildren(this.drawing(name, text));
      else this.main.replaceChildren(this.cleaned(rendering === "markdown" ? renderMarkdown(text) : renderNotebook(text)));
    } catch (error) {
      this.main.replaceChildren(error instanceof Error ? error.message : "This can’t be shown.");
    }
    document.documentElement.scrollTo(scrollLeft, scrollTop);
  }

  /** As a picture an SVG runs and loads nothing. */
  private drawing(name: string, text: string): HTMLElement {
    const image = document.createElement("img");
    const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    const free = (): void => URL.revokeObjectURL(url);
    image.alt = name;
    image.addEventListener("load", free);
    image.addEventListener("error", () => {
      free();
      this.main.replaceChildren("This is no SVG that the browser can show.");
    });
    image.src = url;
    return image;
  }

  private cleaned(html: string): DocumentFragment {
    return clean(html, {
      picture: (image, src) => {
        const link = linkOf(src);
        if (DATA_PICTURE.test(src)) image.src = src;
        else if (link?.kind === "inside") this.setPicture(image, (image.dataset["path"] = link.path));
        // From elsewhere it would tell that somebody reads this.
        else image.title = `Not loaded: ${src.slice(0, 200)}`;
      },
      link: (anchor, href) => {
        const link = linkOf(href);
        if (!link) return;
        anchor.href = link.kind === "outside" ? link.href : "#";
        anchor.dataset["href"] = href;
        if (!anchor.title) anchor.title = href;
        if (link.kind === "outside") anchor.rel = "noopener noreferrer";
      },
    });
  }

  private setPicture(image: HTMLImageElement, path: string): void {
    const known = this.pictures.get(path);
    if (known) image.src = known;
    else if (known === null) image.title = `Not found: ${path}`;
    else this.tell({ type: "picture", path });
  }

  private handleClick(event: MouseEvent): void {
    const anchor = event.target instanceof Element ? event.target.closest("a") : null;
    if (!anchor) return;
    event.preventDefault();
    const href = anchor.dataset["href"];
    const link = href === undefined ? null : linkOf(href);
    if (link?.kind === "here") document.getElementById(link.id)?.scrollIntoView();
    else if (link && href !== undefined && event.button < 2) this.tell({ type: "link", href });
  }

  private handleKey(event: KeyboardEvent): void {
    const isToggle = event.altKey && event.code === "KeyR";
    if (!isToggle && event.key !== "F6" && event.key !== "Escape") return;
    event.preventDefault();
    this.tell({ type: "key", key: isToggle ? "toggle" : event.key === "F6" ? "F6" : "Escape" });
  }

  private scrollTo(at: number): void {
    const blocks = [...this.main.querySelectorAll<HTMLElement>("[data-at]")].reverse();
    const block = blocks.find((candidate) => Number(candidate.dataset["at"]) <= at);
    if (block) block.scrollIntoView();
    else document.documentElement.scrollTo(0, 0);
  }
}

const welcome = ({ source, ports: [port] }: MessageEvent): void => {
  if (source !== parent || !port) return;
  removeEventListener("message", welcome);
  new Frame(port);
};
addEventListener("message", welcome);
