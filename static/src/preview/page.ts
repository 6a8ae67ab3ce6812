// Runs in the app's page, before anything of the app, when the IDE's pane shows it: tells the pane where the page is and what goes wrong
// in it, and takes the pane's orders to go back and forward. It must not be noticed by the app. Bundled on its own. In a tab of its own
// a page gets it only for its sockets.

const script = document.currentScript;
const ide = script?.dataset["ide"];
/** The URL below which the app lies, which is its host or a path of the IDE's. */
const base = script instanceof HTMLScriptElement ? new URL("..", script.src) : null;
script?.remove();

const MOST_TEXT = 2_000;
const MOST_REPORTS = 200;
interface Navigation {
  readonly canGoBack: boolean;
  readonly canGoForward: boolean;
  back(): void;
  forward(): void;
}
/** This frame's own history. `history` is one for the whole tab, in which going back may leave the IDE. */
const own = (window as { readonly navigation?: Navigation }).navigation;
let left = MOST_REPORTS;

function tell(message: Readonly<Record<string, unknown>>): void {
  // Only to the IDE itself: another app that frames this one learns nothing.
  if (ide && window.parent === window.top && window.parent !== window) window.parent.postMessage({ hutch: message }, ide);
}

function report(kind: "console" | "error" | "request", text: string, place = ""): void {
  if (left-- > 0) tell({ type: "report", kind, text: near(text).slice(0, MOST_TEXT), place: near(place).slice(0, MOST_TEXT) });
}

/** With the app's own addresses as the paths that the app knows. */
function near(text: string): string {
  return base ? text.replaceAll(base.href, "/") : text;
}

function tellPlace(): void {
  const path = base ? location.href.slice(base.href.length - 1) : location.pathname;
  tell({ type: "place", path: path.slice(0, MOST_TEXT), back: own?.canGoBack === true, forward: own?.canGoForward === true });
}

/** What a person sees of a value that was logged. Getters and proxies of the app may throw. */
function shown(value: unknown): string {
  try {
    if (typeof value === "string") return value;
    if (value instanceof Error) return value.stack ?? String(value);
    return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

function watchErrors(): void {
  const original = console.error;
  console.error = function (this: unknown, ...values: unknown[]) {
    report("console", values.map(shown).join(" "));
    return original.apply(this, values);
  };
  addEventListener("error", (event) => {
    if (event.message) report("error", shown(event.error ?? event.message), `${event.filename}:${event.lineno}`);
  });
  addEventListener("unhandledrejection", (event) => report("error", `Unhandled rejection: ${shown(event.reason)}`));
}

function watchRequests(): void {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { responseStatus } = entry as PerformanceResourceTiming;
      if (responseStatus >= 400) report("request", `${responseStatus} ${entry.name}`);
    }
  });
  observer.observe({ type: "resource", buffered: true });
  const { fetch } = window;
  window.fetch = async function (this: unknown, ...asked: Parameters<typeof fetch>) {
    try {
      return await fetch.apply(this as typeof globalThis, asked);
    } catch (error) {
      const aborted = error instanceof DOMException && error.name === "AbortError";
      if (!aborted) report("request", `${shown(error)}: ${asked[0] instanceof Request ? asked[0].url : String(asked[0])}`);
      throw error;
    }
  };
}

/**
 * Dev servers bake their own port into the page, and their hot reload asks for it on this host. There is nothing but this preview: its
 * sockets go where the page came from.
 */
function mendSockets(): void {
  window.WebSocket = new Proxy(WebSocket, {
    construct(target, [address, ...rest]: [string | URL, ...unknown[]], made) {
      return Reflect.construct(target, [socketAddress(address), ...rest], made) as WebSocket;
    },
  });
}

function socketAddress(address: string | URL): string | URL {
  let url: URL;
  try {
    url = new URL(address, document.baseURI);
  } catch {
    return address;
  }
  if (!base || url.hostname !== base.hostname || (url.host === base.host && url.pathname.startsWith(base.pathname))) return address;
  url.protocol = base.protocol === "https:" ? "wss:" : "ws:";
  url.port = base.port;
  url.pathname = base.pathname.slice(0, -1) + url.pathname;
  return url;
}

/** Chromium denies a frame of another site its storage where third-party cookies are blocked, and a sandbox always. Apps rarely expect it. */
function mendStorage(): void {
  for (const name of ["localStorage", "sessionStorage"] as const) {
    try {
      window[name].length;
    } catch {
      Object.defineProperty(window, name, { configurable: true, enumerable: true, value: forgetfulStorage() });
    }
  }
}

/** A storage that lasts as long as the page. */
function forgetfulStorage(): Storage {
  const kept = Object.create(null) as Record<string, string>;
  const methods: Record<PropertyKey, unknown> = {
    getItem: (name: string) => kept[name] ?? null,
    setItem: (name: string, value: unknown) => void (kept[name] = String(value)),
    removeItem: (name: string) => void delete kept[name],
    clear: () => Object.keys(kept).forEach((name) => delete kept[name]),
    key: (index: number) => Object.keys(kept)[index] ?? null,
  };
  return new Proxy(kept, {
    get: (_, name) => (name === "length" ? Object.keys(kept).length : Object.hasOwn(methods, name) ? methods[name] : kept[name as string]),
    set: (_, name, value) => Reflect.set(kept, name, String(value)),
  }) as unknown as Storage;
}

function watchPlace(): void {
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (this: History, ...values: Parameters<typeof original>) {
      original.apply(this, values);
      tellPlace();
    };
  }
  for (const name of ["popstate", "hashchange", "pageshow", "DOMContentLoaded", "load"]) addEventListener(name, tellPlace);
  addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== ide) return;
    const order = (event.data as { hutch?: unknown } | null)?.hutch;
    const moves: Readonly<Record<string, () => void>> = { back: () => own?.back(), forward: () => own?.forward() };
    if (typeof order === "string" && Object.hasOwn(moves, order)) {
      event.stopImmediatePropagation();
      moves[order]?.();
    }
  });
}

const parts = window.parent === window ? [mendSockets] : [watchErrors, watchRequests, mendSockets, mendStorage, watchPlace, tellPlace];
for (const part of parts) {
  try {
    part();
  } catch {
    // The app comes first: what its browser lacks is not watched.
  }
}

export {};
