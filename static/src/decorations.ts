// What is known of files beside their names, and shown with them in the tree. No DOM.

import { type Disposable, DisposableStore, Emitter, type Event } from "./lifecycle";

export interface Decoration {
  /** For the row's look. */
  readonly className?: string;
  /** A letter or two at the end of the row. */
  readonly badge?: string;
  /** What look and badge mean, in words. */
  readonly description?: string;
}

/** Knows something of files; `onChange` when it knows something else. */
export interface Decorator {
  readonly onChange: Event<void>;
  decorate(path: string, folder: boolean): Decoration | null;
}

export class Decorations implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly decorators = new Set<Decorator>();
  private readonly changeEmitter = this.disposables.add(new Emitter<void>());

  readonly onChange = this.changeEmitter.event;

  add(decorator: Decorator): void {
    this.decorators.add(decorator);
    this.disposables.add(decorator.onChange(() => this.changeEmitter.fire()));
  }

  /** What all of them know of the entry, the last one's badge. */
  of(path: string, folder: boolean): Decoration {
    const found = [...this.decorators].map((decorator) => decorator.decorate(path, folder)).filter((one) => one !== null);
    const words = (pick: (one: Decoration) => string | undefined, between: string): string => found.map(pick).filter(Boolean).join(between);
    return {
      className: words((one) => one.className, " "),
      badge: [...found].reverse().find((one) => one.badge)?.badge ?? "",
      description: words((one) => one.description, ", "),
    };
  }

  dispose(): void {
    this.disposables.dispose();
  }
}
