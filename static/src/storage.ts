// What a browser remembers for its person. A browser that forbids or has lost it only forgets.

/** The value remembered under `key`, if `accept` recognises it. */
export function recall<T>(key: string, accept: (value: unknown) => value is T): T | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(`hutch.${key}`) ?? "null");
    return accept(value) ? value : null;
  } catch {
    return null;
  }
}

export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(`hutch.${key}`, JSON.stringify(value));
  } catch {
    // Full or forbidden.
  }
}

export function forget(key: string): void {
  try {
    localStorage.removeItem(`hutch.${key}`);
  } catch {
    // Forbidden.
  }
}
