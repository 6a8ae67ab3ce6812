// The line at the bottom: the connection when it is lost, where the cursor is, what the file is, what the project uses.

import type { Document, Documents } from "../documents";
import { type Child, h, replace } from "../dom";
import { formatName, formatSize, formatTime } from "../format";
import { DisposableStore, MutableDisposable, type Observable, watch } from "../lifecycle";
import type { Store } from "../store";
import type { Format } from "../text";
import { button } from "../widgets/button";
import { CloseCode } from "../wire";
import type { Position } from "./editor";
import type { View } from "./view";

const LINE_BREAKS = { "\n": "LF", "\r\n": "CRLF", "\r": "CR" } as const;

// A connection that is back within this is not worth a word.
const QUIET_MS = 1500;
// Nobody reads the cursor's place while typing.
const POSITION_MS = 100;

export interface StatusActions {
  reconnect(): void;
  signIn(): void;
  /** A command, by its id. */
  run(id: string): void;
}

export class StatusView implements View {
  readonly element = h("footer", { class: "status" });
  private readonly disposables = new DisposableStore();
  private readonly ofDocument = this.disposables.add(new MutableDisposable());
  private readonly connection = h("span", { class: "status-connection", role: "status" });
  private readonly file = h("span", { class: "status-file" });
  private readonly line = h("button", { type: "button", class: "status-item", title: "Go to line", on: { click: () => this.actions.run("goToLine") } });
  private readonly usage = h("span", { class: "status-usage" });
  private timer: ReturnType<typeof setTimeout> | undefined;
  private positionTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: Store,
    documents: Documents,
    private readonly position: Observable<Position | null>,
    /** The editor's, where its keys have modes; "" where they have none. */
    private readonly mode: Observable<string>,
    private readonly actions: StatusActions,
  ) {
    this.element.append(this.connection, this.file, this.usage);
    this.disposables.add(watch(store.connection, () => this.handleConnection()));
    this.disposables.add(store.unsent.onChange(() => this.renderConnection()));
    this.disposables.add(store.refusal.onChange(() => this.renderConnection()));
    this.disposables.add(watch(store.status, () => this.renderUsage()));
    this.disposables.add(watch(documents.active, (document) => this.handleActive(document)));
    this.disposables.add(mode.onChange(() => this.renderFile(documents.active.get())));
    this.disposables.add(position.onChange(() => (this.line.isConnected && position.get() ? this.renderPositionSoon() : this.renderFile(documents.active.get()))));
  }

  dispose(): void {
    clearTimeout(this.timer);
    clearTimeout(this.positionTimer);
    this.disposables.dispose();
  }

  private handleConnection(): void {
    clearTimeout(this.timer);
    const state = this.store.connection.get();
    if (state === "open" || state === "refused") this.renderConnection();
    else this.timer = setTimeout(() => this.renderConnection(), QUIET_MS);
  }

  private renderConnection(): void {
    const [state, unsent] = [this.store.connection.get(), this.store.unsent.get()];
    this.element.classList.toggle("offline", state !== "open" || unsent.length > 0);
    const saved = unsent.length > 1 ? `${unsent.length} files are saved once it is back. ` : `${unsent[0] ?? ""} is saved once it is back. `;
    if (state === "refused") replace(this.connection, ...this.refusal());
    else if ((state === "open" && unsent.length === 0) || state === "closed") replace(this.connection);
    else replace(this.connection, `Connection lost; trying again. ${unsent.length > 0 ? saved : "What you type is kept. "}`, button("Try now", () => this.actions.reconnect()));
  }

  private refusal(): readonly Child[] {
    const projects = h("a", { class: "button plain", href: "/" }, "All projects");
    switch (this.store.refusal.get()) {
      case CloseCode.notSignedIn:
        return ["You are signed out. What you typed is kept. ", button("Sign in", () => this.actions.signIn())];
      case CloseCode.notFound:
        return ["This project does not exist any more. ", projects];
      case CloseCode.notAllowed:
        return ["You may not open this project any more. ", projects];
      default:
        return ["The server closed the connection. ", button("Connect again", () => this.actions.reconnect())];
    }
  }

  private handleActive(document: Document | null): void {
    const parts = new DisposableStore();
    this.ofDocument.value = parts;
    if (document?.kind === "text") for (const part of [document.form.format, document.form.indentation, document.language]) parts.add(part.onChange(() => this.renderFile(document)));
    this.renderFile(document);
  }

  private renderFile(document: Document | null): void {
    if (document?.kind !== "text" || !this.position.get()) return replace(this.file);
    this.renderPosition();
    const mode = this.mode.get() && h("span", { class: "status-item status-mode" }, this.mode.get());
    const { indent, from } = document.form.indentation.get();
    const steps = indent.unit === "\t" ? `Tabs of ${indent.tabWidth}` : `${indent.unit.length} spaces`;
    const item = (title: string, text: string, command: string): HTMLElement => h("button", { type: "button", class: "status-item", title, on: { click: () => this.actions.run(command) } }, text);
    replace(
      this.file,
      mode,
      this.line,
      item(from ? `Indentation, as ${from} says` : "Indentation of this file", from ? `${steps} · ${formatName(from)}` : steps, "indentation"),
      item("Encoding and line breaks of this file", describe(document.form.format.get()), "form"),
      item("Language of this file", document.language.get()?.name ?? "Plain text", "language"),
    );
  }

  // It changes with each key, and what changes at the page's foot would have the key's own frame drawn down to there.
  private renderPositionSoon(): void {
    this.positionTimer ??= setTimeout(() => {
      this.positionTimer = undefined;
      this.renderPosition();
    }, POSITION_MS);
  }

  private renderPosition(): void {
    const position = this.position.get();
    if (position) this.line.textContent = `Ln ${position.line}, Col ${position.column}${position.selected > 0 ? ` (${position.selected} selected)` : ""}`;
  }

  private renderUsage(): void {
    const status = this.store.status.get();
    if (!status) return replace(this.usage);
    const { memory, memoryLimit, cpu, disk } = status.usage;
    const parts = [
      status.idle && `Stops at ${formatTime(Date.parse(status.idle.stopsAt))}: ${status.idle.reason}`,
      memory !== null && `Memory ${formatSize(memory)}${memoryLimit ? ` of ${formatSize(memoryLimit)}` : ""}`,
      cpu !== null && `CPU ${Math.round(cpu * 100)} %`,
      disk !== null && `Disk ${formatSize(disk)}`,
    ];
    replace(this.usage, ...parts.map((text) => text && h("span", { class: "status-item" }, text)));
  }
}

function describe(format: Format): string {
  const breaks = format.lineBreak === null ? "Mixed line breaks" : LINE_BREAKS[format.lineBreak];
  return `${format.encoding.toUpperCase()}${format.bom ? " with BOM" : ""} · ${breaks}`;
}
