// The bytes of an answer, as many as were asked for.

/** What a file is at the moment. */
export interface Version {
  readonly etag: string;
  /** Bytes of the whole file. */
  readonly size: number;
}

/** Its content, or a part of it when only that was asked for. */
export interface FileContent extends Version {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The size that the headers tell is NaN where they don't. */
export function versionOf(response: Response): Version {
  const total = /\/(\d+)$/.exec(response.headers.get("Content-Range") ?? "")?.[1] ?? response.headers.get("Content-Length");
  return { etag: response.headers.get("ETag") ?? "", size: total === null ? Number.NaN : Number(total) };
}

/** The first `most` bytes of a body, or of one that has more only so many as `otherwise` says; what follows is not downloaded. */
export async function contentOf(response: Response, most: number, otherwise = most): Promise<FileContent> {
  const { etag, size } = versionOf(response);
  const bytes = size <= most || !response.body ? new Uint8Array(await response.arrayBuffer()) : await firstBytes(response.body, size > most ? otherwise : most);
  return { bytes, etag, size: Number.isNaN(size) ? bytes.length : size };
}

async function firstBytes(body: ReadableStream<Uint8Array>, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = body.getReader();
  while (length < most) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
  }
  await reader.cancel();
  const bytes = new Uint8Array(Math.min(length, most));
  let at = 0;
  for (const part of parts) {
    const fitting = part.subarray(0, bytes.length - at);
    bytes.set(fitting, at);
    at += fitting.length;
  }
  return bytes;
}
