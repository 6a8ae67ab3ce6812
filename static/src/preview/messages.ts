// What the script in the app's page tells. The app can speak in its place, so nothing of it is believed: each field is checked and bounded.

/** Where the page is, below the preview's base, and whether it can be sent back and forward by itself. */
export interface PlaceMessage {
  readonly type: "place";
  readonly path: string;
  readonly back: boolean;
  readonly forward: boolean;
}

/** Something that went wrong in the page. */
export interface Report {
  readonly type: "report";
  readonly kind: "console" | "error" | "request";
  readonly text: string;
  /** File and line, where known. */
  readonly place: string;
}

export type PageMessage = PlaceMessage | Report;

const KINDS: readonly string[] = ["console", "error", "request"];
const MOST_TEXT = 2_000;

export function parsePageMessage(data: unknown): PageMessage | null {
  const message = field(data, "hutch");
  const [type, path, kind, text, place] = ["type", "path", "kind", "text", "place"].map((name) => field(message, name));
  if (type === "place" && typeof path === "string" && path.startsWith("/") && path.length <= MOST_TEXT) {
    // Two slashes would begin another host's name.
    return { type, path: path.replace(/^[/\\]+/, "/"), back: field(message, "back") === true, forward: field(message, "forward") === true };
  }
  if (type === "report" && isKind(kind) && typeof text === "string" && typeof place === "string") {
    return { type, kind, text: text.slice(0, MOST_TEXT), place: place.slice(0, MOST_TEXT) };
  }
  return null;
}

function isKind(value: unknown): value is Report["kind"] {
  return typeof value === "string" && KINDS.includes(value);
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** A report and how often it came in a row. */
export interface Counted {
  readonly report: Report;
  times: number;
}

/** The last reports, those that repeat as one, and how many there were. */
export class Reports {
  private readonly most: number;
  private kept: Counted[] = [];
  errors = 0;
  requests = 0;

  constructor(most = 100) {
    this.most = most;
  }

  get list(): readonly Counted[] {
    return this.kept;
  }

  add(report: Report): void {
    if (report.kind === "request") this.requests++;
    else this.errors++;
    const last = this.kept.at(-1);
    if (last?.report.kind === report.kind && last.report.text === report.text) last.times++;
    else this.kept.push({ report, times: 1 });
    if (this.kept.length > this.most) this.kept.shift();
  }

  clear(): void {
    this.kept = [];
    this.errors = this.requests = 0;
  }

  /** Such as `2 errors, 1 failed request`. */
  get summary(): string {
    const part = (count: number, one: string): string => (count === 0 ? "" : `${count} ${one}${count === 1 ? "" : "s"}`);
    return [part(this.errors, "error"), part(this.requests, "failed request")].filter(Boolean).join(", ");
  }
}
