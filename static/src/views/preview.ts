// The app's page beside its code: opens by itself when the app comes up, goes when it ends, and comes back with it.

import { type Api, ApiError, messageOf } from "../api";
import type { Config } from "../config";
import { h, listen, replace, setProps } from "../dom";
import { icons } from "../icons";
import { DisposableStore, watch } from "../lifecycle";
import { PathHistory, paneUrl, pathOf, urlOf } from "../preview/address";
import { newPorts, portLabel, portToOpen, runPort } from "../preview/choice";
import { PreviewFrame } from "../preview/frame";
import type { PageMessage, PlaceMessage } from "../preview/messages";
import { showOnPhone } from "../preview/phone";
import { FULL, isScreen, type Screen, SIZES, sizeOf } from "../preview/sizes";
import { openSharing } from "../preview/sharing";
import { ReportStrip } from "../preview/strip";
import { WaitingState } from "../preview/waiting";
import { recall, remember } from "../storage";
import type { Store } from "../store";
import { copyText } from "../terminal/clipboard";
import { openInTab } from "../terminal/links";
import { button, iconButton } from "../widgets/button";
import { below, type MenuItem, openMenu } from "../widgets/menu";
import type { Port, RunState } from "../wire";
import type { View } from "./view";

const BACK = "M10 3L5 8l5 5";
const FORWARD = "M6 3l5 5-5 5";
const OUT = "M6.5 3.5h-4v10h10v-4M9 2.5h4.5V7M13.5 2.5L7.5 8.5";

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

export class PreviewPane implements View {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly frame = this.disposables.add(new PreviewFrame((message) => this.handleMessage(message)));
  private readonly strip = this.disposables.add(new ReportStrip());
  private readonly waiting: WaitingState;
  private readonly history = new PathHistory();
  private readonly notice = h("div", { class: "preview-notice", role: "status", hidden: true });
  private readonly portSelect = h("select", { class: "input preview-port", "aria-label": "Port", hidden: true });
  private readonly address: HTMLInputElement;
  private readonly publicBadge = h("button", { type: "button", class: "badge", title: "Everyone who has the address sees this port", hidden: true, on: { click: () => this.share() } }, "Public");
  private readonly problem = h("p", { class: "preview-problem problem", role: "alert" });
  private readonly buttons: { readonly back: HTMLButtonElement; readonly forward: HTMLButtonElement; readonly reload: HTMLButtonElement; readonly open: HTMLButtonElement };
  private readonly project: string;
  /** The port of hutch.toml; null when it names none, undefined before it was read. */
  private named: number | null | undefined;
  private ports: readonly Port[] = [];
  /** The port that the pane is about; it need not listen at the moment. */
  private chosen: Port | null = null;
  private opened: string | null = null;
  /** The port whose page the person wants to see though it seems to speak no HTTP. */
  private insisted: number | null = null;
  /** Where the open page says it is; null while it says nothing, as one that lets in no script. */
  private place: PlaceMessage | null = null;
  /** A page was open since this run began. */
  private seen = false;
  private state: RunState | null = null;

  constructor(
    private readonly api: Api,
    config: Config,
    private readonly store: Store,
  ) {
    this.project = config.project?.id ?? store.project.get().id;
    this.waiting = this.disposables.add(new WaitingState(api, this.project, () => void this.run()));
    this.address = h("input", { class: "input code-input preview-address", type: "text", inputmode: "url", "aria-label": "Path of the page", spellcheck: "false", autocapitalize: "off", value: "/" });
    this.buttons = {
      back: iconButton("Back to the page asked for before", BACK, () => this.step(-1)),
      forward: iconButton("Forward", FORWARD, () => this.step(1)),
      reload: iconButton("Reload the page", icons.restart, () => this.reload()),
      open: iconButton("Open in a tab of its own", OUT, () => this.openOutside()),
    };
    this.element = h("div", { class: "preview-panel" }, this.makeBar(), this.problem, this.notice, this.frame.element, this.waiting.element, this.strip.element);
    this.frame.setSize(sizeOf(this.screen));
    this.listen();
  }

  focus(): void {
    if (this.opened) this.frame.focus();
    else this.element.querySelector<HTMLElement>(".preview-waiting button:not([hidden])")?.focus();
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private get isListening(): boolean {
    return this.ports.some(({ port }) => port === this.chosen?.port);
  }

  private makeBar(): HTMLElement {
    const { back, forward, reload, open } = this.buttons;
    const form = h("form", { class: "preview-form" }, this.address);
    const more = iconButton("Preview menu", icons.dots, () => openMenu(this.menu(), below(more), "Preview menu"));
    more.setAttribute("aria-haspopup", "menu");
    this.disposables.add(listen(form, "submit", (event) => this.handleSubmit(event)));
    this.disposables.add(listen(this.portSelect, "change", () => this.choose(Number(this.portSelect.value))));
    return h("div", { class: "preview-bar", role: "toolbar", "aria-label": "Preview" }, back, forward, reload, this.portSelect, form, this.publicBadge, open, more);
  }

  private listen(): void {
    this.disposables.add(watch(this.store.status, () => this.handleStatus()));
    this.disposables.add(watch(this.store.ports, (ports) => this.handlePorts(ports)));
  }

  private handleStatus(): void {
    const state = this.store.status.get()?.state ?? null;
    if (state !== null && state !== this.state) {
      this.state = state;
      // The next run may listen elsewhere: whoever changes the port in hutch.toml means it for that.
      if (state !== "running") this.seen = false;
      if (state !== "running" && !this.isListening) this.chosen = null;
      void this.readNamedPort();
    }
    this.render();
  }

  private async readNamedPort(): Promise<void> {
    try {
      const { bytes } = await this.api.readFile(this.project, "hutch.toml");
      this.named = runPort(new TextDecoder().decode(bytes));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.named = null;
    }
    this.openByItself();
    this.render();
  }

  private handlePorts(ports: readonly Port[]): void {
    const before = this.ports;
    this.ports = ports;
    const again = ports.find(({ port }) => port === this.chosen?.port);
    if (again) this.chosen = again;
    this.openByItself();
    this.offer(newPorts(before, ports, this.chosen?.port ?? null));
    this.renderPorts();
    this.render();
  }

  /** Chooses the port to show, unless one was chosen: that one is waited for. */
  private openByItself(): void {
    if (this.named === undefined || this.isListening) return;
    const port = portToOpen(this.ports, this.chosen?.port ?? this.named);
    if (!port) return;
    this.chosen = port;
    if (this.notice.dataset["port"] === String(port.port)) this.notice.hidden = true;
    this.renderPorts();
  }

  private offer(ports: readonly Port[]): void {
    const [port] = ports;
    if (!port) {
      const gone = !this.ports.some((item) => String(item.port) === this.notice.dataset["port"]);
      if (gone) this.notice.hidden = true;
      return;
    }
    const open = button("Open", () => this.choose(port.port));
    const hide = iconButton("Hide this notice", icons.close, () => (this.notice.hidden = true));
    replace(this.notice, h("span", {}, `Port ${portLabel(port)} listens.`), open, hide);
    this.notice.dataset["port"] = String(port.port);
    this.notice.hidden = false;
  }

  private choose(number: number): void {
    const port = this.ports.find((item) => item.port === number);
    if (!port) return;
    this.chosen = port;
    this.opened = this.insisted = null;
    if (this.notice.dataset["port"] === String(number)) this.notice.hidden = true;
    this.renderPorts();
    this.render();
  }

  private handleSubmit(event: Event): void {
    event.preventDefault();
    if (!this.chosen) return;
    const path = pathOf(this.chosen.url, this.chosen.port, this.address.value);
    this.problem.textContent = path === null ? `This address belongs to another site. Here are pages of port ${this.chosen.port}.` : "";
    if (path === null) return;
    this.history.visit(path);
    this.reload();
  }

  private step(step: 1 | -1): void {
    if (step === -1 ? this.place?.back : this.place?.forward) {
      this.frame.order(step === -1 ? "back" : "forward");
      return;
    }
    this.history.go(step);
    this.reload();
  }

  private reload(): void {
    this.insisted = this.chosen?.port ?? null;
    this.problem.textContent = "";
    this.opened = null;
    this.render();
  }

  private handleMessage(message: PageMessage): void {
    if (message.type === "report") {
      this.strip.add(message);
      return;
    }
    this.place = message;
    this.history.follow(message.path);
    if (document.activeElement !== this.address) this.address.value = this.history.current;
    this.renderButtons();
  }

  private get isWatching(): boolean {
    return recall("preview.watch", isBoolean) ?? true;
  }

  private setWatching(watching: boolean): void {
    remember("preview.watch", watching);
    this.reload();
  }

  private get url(): string | null {
    return this.chosen && urlOf(this.chosen.url, this.history.current);
  }

  private openOutside(): void {
    if (this.url) openInTab(this.url);
  }

  private async copyLink(): Promise<void> {
    if (this.url) this.store.notify((await copyText(this.url)) ? "Link copied." : "The browser does not let this page copy.");
  }

  private async openOnPhone(): Promise<void> {
    try {
      if (this.url) await showOnPhone(new URL(this.url, location.href).href);
    } catch (error) {
      this.store.notify(messageOf(error));
    }
  }

  private share(): void {
    if (this.chosen) openSharing(this.api, this.project, this.chosen);
  }

  private async run(): Promise<void> {
    try {
      this.store.setStatus(await this.api.run(this.project));
    } catch (error) {
      this.store.notify(messageOf(error));
    }
  }

  private menu(): MenuItem[] {
    const { screen } = this;
    const tick = (label: string, holds: boolean): string => (holds ? `${label} ✓` : label);
    const sizes: MenuItem[] = [
      { label: tick("Full size", screen.name === null), run: () => this.setScreen(FULL) },
      ...SIZES.map(({ name, width, height }) => ({ label: tick(`${name}, ${width} × ${height}`, name === screen.name), run: () => this.setScreen({ ...screen, name }) })),
    ];
    if (screen.name !== null) sizes.push({ label: tick("Rotated", screen.rotated), run: () => this.setScreen({ ...screen, rotated: !screen.rotated }) });
    const page: MenuItem[] = this.chosen
      ? [
          { label: "Open in a tab", run: () => this.openOutside() },
          { label: "Copy link", run: () => void this.copyLink() },
          { label: "Open on a phone…", run: () => void this.openOnPhone() },
          { label: "Share…", run: () => this.share() },
        ]
      : [];
    const watching = this.isWatching;
    const refused = watching && this.opened !== null && this.place === null ? " (not possible in this page)" : "";
    const watch: MenuItem = { label: tick(`Watch for errors${refused}`, watching), run: () => this.setWatching(!watching) };
    return [...page, ...sizes, watch];
  }

  private get screen(): Screen {
    return recall("preview.screen", isScreen) ?? FULL;
  }

  private setScreen(screen: Screen): void {
    remember("preview.screen", screen);
    this.frame.setSize(sizeOf(screen));
  }

  private renderPorts(): void {
    const options = this.ports.map((port) => h("option", { value: port.port, selected: port.port === this.chosen?.port }, portLabel(port)));
    const gone = this.chosen && !this.isListening ? h("option", { value: this.chosen.port, selected: true }, `${this.chosen.port} · not listening`) : null;
    replace(this.portSelect, gone, ...options);
    this.portSelect.hidden = this.ports.length + (gone ? 1 : 0) < 2;
  }

  private render(): void {
    const mute = this.isListening && this.chosen?.http === false && this.insisted !== this.chosen.port;
    const live = this.isListening && !mute;
    if (live && this.chosen && this.url && this.opened === null) {
      this.opened = this.url;
      this.seen = true;
      this.place = null;
      this.strip.clear();
      this.frame.open(paneUrl(this.chosen.url, this.history.current, this.isWatching), `Page of port ${this.chosen.port}`);
      if (document.activeElement !== this.address) this.address.value = this.history.current;
    }
    if (!live) {
      this.frame.close();
      this.strip.clear();
      this.opened = null;
      this.problem.textContent = "";
    }
    this.frame.element.hidden = !live;
    this.waiting.render(live ? null : { status: this.store.status.get(), port: this.chosen?.port ?? this.named ?? null, gone: this.seen, mute });
    this.renderButtons();
  }

  private renderButtons(): void {
    const { back, forward, reload, open } = this.buttons;
    this.publicBadge.hidden = this.chosen?.visibility !== "public";
    setProps(back, { disabled: !this.history.canGoBack && !this.place?.back });
    setProps(forward, { disabled: !this.history.canGoForward && !this.place?.forward });
    for (const control of [reload, open, this.address]) setProps(control, { disabled: !this.isListening });
  }
}
