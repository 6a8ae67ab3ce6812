// An open file that is looked at and not edited: a picture, bytes, or a text too large for the editor.

import type { Api } from "../api";
import type { FileContent, Version } from "../content";
import { type Disposable, Emitter, Value } from "../lifecycle";
import { decode, type Format } from "../text";
import type { DocumentContext } from "./document";

const PICTURES: ReadonlySet<string> = new Set(["png", "jpg", "jpeg", "gif", "webp", "avif", "bmp", "ico"]);

const MEDIA: Readonly<Record<string, "audio" | "video">> = { mp3: "audio", ogg: "audio", wav: "audio", m4a: "audio", flac: "audio", mp4: "video", webm: "video", ogv: "video" };

/** Whether a file of this name is shown as a picture. SVG is text here: it can be edited. */
export function isPicture(path: string): boolean {
  return PICTURES.has(endingOf(path));
}

/** What plays a file of this name, if it is no text; null for nothing. */
export function mediaOf(path: string): "audio" | "video" | null {
  return MEDIA[endingOf(path)] ?? null;
}

export function endingOf(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1).toLowerCase();
}

export type OpaqueKind = "picture" | "media" | "binary" | "large";

/** What a command asks of whoever shows the document. */
export type Ask = { readonly kind: "find" } | { readonly kind: "goTo"; readonly line?: number };

/** Where a line or a text is in the file; null where it is not. Lines count from 1. */
export interface Located {
  readonly offset: number | null;
  readonly line: number | null;
}

export class OpaqueDocument implements Disposable {
  readonly path: Value<string>;
  /** Changes with each version on the disk. */
  readonly version: Value<Version>;
  /** Of a text. */
  readonly encoding: Format["encoding"];
  private readonly asks = new Emitter<Ask>();
  readonly onAsk = this.asks.event;

  constructor(
    readonly context: Pick<DocumentContext, "api" | "project" | "extensions" | "report">,
    readonly kind: OpaqueKind,
    path: string,
    content: FileContent,
  ) {
    this.path = new Value(path);
    this.version = new Value(versionOf(content));
    this.encoding = decode(content.bytes, { partial: true }).format.encoding;
  }

  get url(): string {
    return this.context.api.fileUrl(this.context.project, this.path.get());
  }

  ask(what: Ask): void {
    this.asks.fire(what);
  }

  /** Throws ApiError. */
  async check(): Promise<void> {
    this.meet(await this.context.api.versionOf(this.context.project, this.path.get()));
  }

  /** The file was found to have this version. */
  meet(version: Version): void {
    if (version.etag !== this.version.get().etag) this.version.set(versionOf(version));
  }

  /** At most `most` bytes from `start` on. Throws ApiError. */
  readonly read = (start: number, most: number): Promise<FileContent> => this.context.api.readFile(this.context.project, this.path.get(), { start, most });

  /** Asks the server where something is. Throws ApiError. */
  locate(query: Parameters<Api["locate"]>[2], signal: AbortSignal): Promise<Located> {
    return this.context.api.locate(this.context.project, this.path.get(), query, signal);
  }

  dispose(): void {
    this.version.dispose();
    this.asks.dispose();
  }
}

function versionOf({ size, etag }: Version): Version {
  return { size, etag };
}
