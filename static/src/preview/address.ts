// What the preview's address bar takes and shows. Paths are as the app sees them: they begin with a slash.

/** The whole URL of `path` below the preview's base, such as http://3000-abc.preview.localhost:8000/ or /preview/abc/3000/. */
export function urlOf(base: string, path: string): string {
  return base.replace(/\/$/, "") + path;
}

/** Where the pane opens `path`. With `watch`, Hutch's script in the page tells where it goes and what goes wrong in it. */
export function paneUrl(base: string, path: string, watch: boolean): string {
  return urlOf(base, `/.hutch/pane?watch=${watch ? 1 : 0}&next=${encodeURIComponent(path)}`);
}

/**
 * The path that a person's input means: a path with or without its slash, or a whole URL of this preview or of the port on localhost, as
 * apps print it. Null for another site's.
 */
export function pathOf(base: string, port: number, input: string): string | null {
  const typed = input.trim();
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(typed)) return pathOfUrl(base, port, typed);
  const bare = /^(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0):(\d+)(.*)$/.exec(typed);
  if (bare) return Number(bare[1]) === port ? normal(bare[2] ?? "") : null;
  return normal(typed);
}

function pathOfUrl(base: string, port: number, typed: string): string | null {
  let url: URL;
  try {
    url = new URL(typed);
  } catch {
    return null;
  }
  const own = new URL(base);
  const rest = url.pathname + url.search + url.hash;
  if (url.origin === own.origin && url.pathname.startsWith(own.pathname)) return normal(rest.slice(own.pathname.length - 1));
  const isLocal = ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"].includes(url.hostname);
  return isLocal && Number(url.port || "80") === port ? normal(rest) : null;
}

function normal(path: string): string {
  // One slash only: two would name another host in some places.
  return `/${path.replace(/^[/\\]+/, "")}`;
}

/** The pages that were shown here, to go back to. Where the app's own links lead is known only of a page that is watched. */
export class PathHistory {
  private paths: string[] = ["/"];
  private at = 0;

  get current(): string {
    return this.paths[this.at] ?? "/";
  }

  get canGoBack(): boolean {
    return this.at > 0;
  }

  get canGoForward(): boolean {
    return this.at < this.paths.length - 1;
  }

  visit(path: string): void {
    if (path === this.current) return;
    this.paths = [...this.paths.slice(0, this.at + 1), path];
    this.at = this.paths.length - 1;
  }

  /** Notes where the page went by itself: back or forward, where it is the one there, or on. */
  follow(path: string): void {
    const { current } = this;
    if (path === current) return;
    if (path === this.paths[this.at - 1]) this.at--;
    else if (path === this.paths[this.at + 1]) this.at++;
    else this.visit(path);
  }

  /** Moves by 1 or -1 where there is something. */
  go(step: 1 | -1): string {
    this.at = Math.min(this.paths.length - 1, Math.max(0, this.at + step));
    return this.current;
  }
}
