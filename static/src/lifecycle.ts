// Ownership of what must be released. Everything acquired is registered for disposal where it is acquired.

export interface Disposable {
  dispose(): void;
}

export type Listener<T> = (value: T) => void;
/** Subscribes a listener. Disposing the result unsubscribes it. */
export type Event<T> = (listener: Listener<T>) => Disposable;

/** A disposable that runs `release` once, however often it is disposed. */
export function disposable(release: () => void): Disposable {
  let live = true;
  return {
    dispose() {
      if (!live) return;
      live = false;
      release();
    },
  };
}

/** Disposes what was added to it, newest first. What is added after that is disposed at once. */
export class DisposableStore implements Disposable {
  private readonly items: Disposable[] = [];
  private disposed = false;

  get isDisposed(): boolean {
    return this.disposed;
  }

  add<T extends Disposable>(item: T): T {
    if (this.disposed) item.dispose();
    else this.items.push(item);
    return item;
  }

  /** Disposes everything added so far and stays usable. */
  clear(): void {
    for (let item = this.items.pop(); item; item = this.items.pop()) item.dispose();
  }

  dispose(): void {
    this.disposed = true;
    this.clear();
  }
}

/** Holds at most one disposable; setting another disposes the one before. */
export class MutableDisposable<T extends Disposable> implements Disposable {
  private current: T | undefined;
  private disposed = false;

  get value(): T | undefined {
    return this.current;
  }

  set value(next: T | undefined) {
    if (next === this.current) return;
    const previous = this.current;
    this.current = this.disposed ? undefined : next;
    previous?.dispose();
    if (this.disposed) next?.dispose();
  }

  dispose(): void {
    this.disposed = true;
    this.value = undefined;
  }
}

/** A source of events. Listeners run in the order they subscribed; one that throws does not keep the others from running. */
export class Emitter<T> implements Disposable {
  private listeners = new Set<{ run: Listener<T> }>();

  readonly event: Event<T> = (listener) => {
    const entry = { run: listener };
    this.listeners.add(entry);
    return disposable(() => this.listeners.delete(entry));
  };

  fire(value: T): void {
    // A copy, because a listener may unsubscribe itself or others.
    for (const entry of Array.from(this.listeners)) {
      if (!this.listeners.has(entry)) continue;
      try {
        entry.run(value);
      } catch (error) {
        reportError(error);
      }
    }
  }

  dispose(): void {
    this.listeners.clear();
  }
}

/** A value that can be watched. */
export interface Observable<T> {
  get(): T;
  /** Calls `listener` with each new value; not with the present one. */
  readonly onChange: Event<T>;
}

/** An observable that its owner changes. Setting an identical value is no change. */
export class Value<T> implements Observable<T>, Disposable {
  private readonly emitter = new Emitter<T>();
  readonly onChange = this.emitter.event;

  constructor(private current: T) {}

  get(): T {
    return this.current;
  }

  set(next: T): void {
    if (Object.is(next, this.current)) return;
    this.current = next;
    this.emitter.fire(next);
  }

  dispose(): void {
    this.emitter.dispose();
  }
}

/** Calls `listener` with the present value now and with each later one. */
export function watch<T>(observable: Observable<T>, listener: Listener<T>): Disposable {
  listener(observable.get());
  return observable.onChange(listener);
}
