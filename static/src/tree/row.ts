// One row of the tree as it is shown. Its elements serve one entry after the other while the tree is scrolled.

import type { Decoration } from "../decorations";
import { h, icon, setProps } from "../dom";
import type { Row } from "../files";
import { formatName } from "../format";
import { icons } from "../icons";
import { fileIcon } from "./fileicons";

export interface RowState {
  readonly decoration: Decoration;
  readonly chosen: boolean;
  readonly cursor: boolean;
  /** The editor shows it. */
  readonly current: boolean;
  /** A drop would go there. */
  readonly drop: boolean;
}

export class RowElement {
  private readonly twist = h("span", { class: "twist" }, icon(icons.chevron));
  private readonly icon = icon(icons.file);
  private readonly name = h("span", { class: "tree-name" });
  private readonly badge = h("span", { class: "tree-badge", "aria-hidden": "true" });
  private readonly menu = h("button", { type: "button", class: "row-menu", tabindex: -1 }, icon(icons.dots));
  readonly element: HTMLElement;
  private look = "";

  constructor(id: string) {
    this.element = h("div", { role: "treeitem", draggable: "true", id }, this.twist, this.icon, this.name, this.badge, this.menu);
  }

  /** Shows `row` at `top` pixels. */
  update(row: Row, state: RowState, top: number): void {
    const { decoration, chosen, cursor, current, drop } = state;
    const look = JSON.stringify([row, state, top]);
    if (look === this.look) return;
    this.look = look;
    const name = formatName(row.name);
    this.name.textContent = name;
    this.badge.textContent = decoration.badge ?? "";
    this.menu.setAttribute("aria-label", `Actions for ${name}`);
    this.twist.className = row.folder ? (row.expanded ? "twist open" : "twist") : "twist none";
    this.drawIcon(row);
    this.element.dataset["path"] = row.path;
    this.element.style.setProperty("--depth", String(row.depth));
    this.element.style.transform = `translateY(${top}px)`;
    setProps(this.element, {
      class: ["tree-row", decoration.className, cursor && "cursor", drop && "drop"].filter(Boolean).join(" "),
      title: decoration.description ? `${formatName(row.path)} (${decoration.description})` : formatName(row.path),
      "aria-description": decoration.description || null,
      "aria-level": row.depth + 1,
      "aria-posinset": row.position,
      "aria-setsize": row.siblings,
      "aria-expanded": row.folder ? String(row.expanded) : null,
      "aria-selected": String(chosen),
      "aria-current": current ? "true" : null,
    });
  }

  private drawIcon(row: Row): void {
    const { path, tint } = row.folder ? { path: icons.folder, tint: null } : row.symlink ? { path: icons.link, tint: null } : fileIcon(row.name);
    this.icon.firstElementChild?.setAttribute("d", path);
    this.icon.setAttribute("class", tint ? `icon tint-${tint}` : "icon");
  }
}
