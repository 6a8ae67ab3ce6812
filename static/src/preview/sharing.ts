// Who sees a port: a dialog to choose it, and links that let others in for a while.

import { type Api, messageOf } from "../api";
import { h, replace, setProps } from "../dom";
import { formatAgo } from "../format";
import { copyText } from "../terminal/clipboard";
import { button } from "../widgets/button";
import type { Port, ShareLink, Visibility } from "../wire";

const HOUR = 3600;
const LIFETIMES = [
  { label: "1 hour", seconds: HOUR },
  { label: "1 day", seconds: 24 * HOUR },
  { label: "7 days", seconds: 7 * 24 * HOUR },
  { label: "30 days", seconds: 30 * 24 * HOUR },
] as const;

const CHOICES: readonly { readonly value: Visibility; readonly label: string; readonly text: string }[] = [
  { value: "private", label: "Private", text: "Only you, signed in, and whoever has a link that you made." },
  { value: "public", label: "Public", text: "Everyone who has the address, until the container is started anew." },
];

/** Opens the dialog for `port`. What is changed in it counts at once. */
export function openSharing(api: Api, project: string, port: Port): void {
  new SharingDialog(api, project, port).open();
}

class SharingDialog {
  private readonly choices: readonly HTMLInputElement[];
  private readonly lifetime = h("select", { class: "input", "aria-label": "The link is good for" }, ...LIFETIMES.map(({ label, seconds }) => h("option", { value: seconds }, label)));
  private readonly make = button("Make a link", () => void this.makeLink());
  private readonly made = h("div", { class: "sharing-made", role: "status" });
  private readonly links = h("ul", { class: "sharing-links", "aria-label": "Links that are good" });
  private readonly problem = h("p", { class: "problem", role: "alert" });
  private readonly dialog: HTMLDialogElement;

  constructor(
    private readonly api: Api,
    private readonly project: string,
    private readonly port: Port,
  ) {
    this.choices = CHOICES.map(({ value }) => h("input", { type: "radio", name: "visibility", value, checked: value === port.visibility, on: { change: () => void this.choose(value) } }));
    const close = button("Done", () => this.dialog.close(), "primary");
    this.dialog = h(
      "dialog",
      { class: "dialog sharing", "aria-labelledby": "sharing-title" },
      h("h2", { id: "sharing-title" }, `Who sees port ${port.port}`),
      this.makeChoices(),
      h("h3", {}, "Links to a private port"),
      h("div", { class: "sharing-make" }, this.lifetime, this.make),
      this.made,
      this.links,
      this.problem,
      h("div", { class: "dialog-actions" }, close),
    );
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("close", () => this.dialog.remove());
  }

  open(): void {
    document.body.append(this.dialog);
    this.dialog.showModal();
    void this.showLinks();
  }

  private makeChoices(): HTMLElement {
    const rows = CHOICES.map(({ label, text }, at) => h("label", { class: "sharing-choice" }, this.choices[at], h("span", {}, h("strong", {}, label), h("small", {}, text))));
    return h("fieldset", {}, h("legend", { class: "off-screen" }, "Visibility"), ...rows);
  }

  private async choose(visibility: Visibility): Promise<void> {
    const kept = await this.attempt(this.api.setVisibility(this.project, this.port.port, visibility));
    // What was there before: of two, the other.
    if (!kept) for (const choice of this.choices) choice.checked = choice.value !== visibility;
  }

  private async makeLink(): Promise<void> {
    setProps(this.make, { disabled: true });
    const link = await this.attempt(this.api.makeShareLink(this.project, this.port.port, Number(this.lifetime.value)));
    setProps(this.make, { disabled: false });
    if (!link) return;
    const url = h("input", { class: "input code-input", readonly: true, value: link.url, "aria-label": "The new link", on: { focus: () => url.select() } });
    const copy = button("Copy", () => void this.copy(link.url, copy), "primary");
    replace(this.made, h("p", {}, "This link is shown only now. Whoever has it sees the app."), h("div", { class: "sharing-make" }, url, copy));
    copy.focus();
    await this.showLinks();
  }

  private async copy(url: string, copy: HTMLButtonElement): Promise<void> {
    copy.textContent = (await copyText(url)) ? "Copied" : "Select it and copy";
  }

  private async showLinks(): Promise<void> {
    const links = await this.attempt(this.api.shareLinks(this.project, this.port.port));
    if (!links) return;
    replace(this.links, ...links.map((link) => this.row(link)));
    this.links.hidden = links.length === 0;
  }

  private row(link: ShareLink): HTMLElement {
    const until = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(Date.parse(link.expiresAt));
    const revoke = button("Revoke", () => void this.revoke(link));
    revoke.setAttribute("aria-label", `Revoke the link that is good until ${until}`);
    return h("li", {}, h("span", {}, `Good until ${until}`, h("small", {}, `made ${formatAgo(Date.parse(link.createdAt), Date.now())}`)), revoke);
  }

  private async revoke(link: ShareLink): Promise<void> {
    await this.attempt(this.api.revokeShareLink(this.project, this.port.port, link.id));
    replace(this.made);
    await this.showLinks();
    this.make.focus();
  }

  /** What `work` comes to; null when it failed, and the dialog says why. */
  private async attempt<T>(work: Promise<T>): Promise<T | null> {
    try {
      const value = await work;
      this.problem.textContent = "";
      return value;
    } catch (error) {
      this.problem.textContent = messageOf(error);
      return null;
    }
  }
}
