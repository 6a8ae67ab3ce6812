// Light or dark: by the system's choice until the person makes their own.

import { listen } from "./dom";
import { type Disposable, DisposableStore, type Observable, Value } from "./lifecycle";
import { recall, remember } from "./storage";

export const THEMES = ["system", "light", "dark", "contrast"] as const;
/** `contrast` is high contrast, light or dark as the system is. */
export type Theme = (typeof THEMES)[number];

function isTheme(value: unknown): value is Theme {
  return THEMES.some((theme) => theme === value);
}

/** Keeps `data-theme` and `data-contrast` of the page's root in step with the choice, in other tabs too. */
export class ThemeChoice implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly choice: Value<Theme>;
  private readonly isDark: Value<boolean>;
  private readonly system = matchMedia("(prefers-color-scheme: dark)");
  private readonly contrast = matchMedia("(prefers-contrast: more)");

  readonly theme: Observable<Theme>;
  /** Whether dark colours show now. */
  readonly dark: Observable<boolean>;

  constructor(private readonly root: HTMLElement) {
    this.choice = new Value(recall("theme", isTheme) ?? "system");
    this.isDark = new Value(false);
    this.theme = this.choice;
    this.dark = this.isDark;
    this.disposables.add(listen(this.system, "change", () => this.apply()));
    this.disposables.add(listen(this.contrast, "change", () => this.apply()));
    this.disposables.add(listen(window, "storage", (event) => event.key === "hutch.theme" && this.reload()));
    this.apply();
  }

  /** Changes to the colours that don't show now; back to following the system when the two agree. */
  toggle(): void {
    const dark = !this.isDark.get();
    this.choose(dark === this.system.matches ? "system" : dark ? "dark" : "light");
  }

  choose(theme: Theme): void {
    this.choice.set(theme);
    remember("theme", theme);
    this.apply();
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private reload(): void {
    this.choice.set(recall("theme", isTheme) ?? "system");
    this.apply();
  }

  private apply(): void {
    const theme = this.choice.get();
    const dark = theme === "system" || theme === "contrast" ? this.system.matches : theme === "dark";
    this.root.dataset["theme"] = dark ? "dark" : "light";
    this.root.dataset["contrast"] = theme === "contrast" || (theme === "system" && this.contrast.matches) ? "more" : "usual";
    this.isDark.set(dark);
  }
}
