// The bytes of an answer, as many as were asked for.

export interface FileContent {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  /** Bytes of the whole file; more than `bytes` holds when only a part was asked for. */
  readonly size: number;
}

/** The first `most` bytes of a body; what follows is not downloaded. */
export async function contentOf(response: Response, most: number): Promise<FileContent> {
  const etag = response.headers.get("ETag") ?? "";
  const total = /\/(\d+)$/.exec(response.headers.get("Content-Range") ?? "")?.[1] ?? response.headers.get("Content-Length");
  const announced = total === null ? Number.NaN : Number(total);
  if (announced <= most || !response.body) {
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { bytes, etag, size: Number.isNaN(announced) ? bytes.length : announced };
  }
  const bytes = await firstBytes(response.body, most);
  return { bytes, etag, size: Number.isNaN(announced) ? bytes.length : announced };
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
