// The encodings that texts are read and written in. Browsers decode them all and encode UTF-8 alone, so that the bytes of the others
// come from what the browser makes of each code.

/** What people call them, by their names for TextDecoder (https://encoding.spec.whatwg.org/#names-and-labels). */
export const ENCODINGS = {
  "utf-8": "UTF-8",
  "utf-16le": "UTF-16 LE",
  "utf-16be": "UTF-16 BE",
  "windows-1252": "Western (Windows-1252, Latin-1)",
  "iso-8859-15": "Western (ISO 8859-15)",
  macintosh: "Western (Mac OS Roman)",
  "windows-1250": "Central European (Windows-1250)",
  "iso-8859-2": "Central European (ISO 8859-2)",
  "windows-1257": "Baltic (Windows-1257)",
  "iso-8859-13": "Baltic (ISO 8859-13)",
  "windows-1251": "Cyrillic (Windows-1251)",
  "koi8-r": "Cyrillic (KOI8-R)",
  "koi8-u": "Cyrillic (KOI8-U)",
  "iso-8859-5": "Cyrillic (ISO 8859-5)",
  ibm866: "Cyrillic (CP 866)",
  "windows-1253": "Greek (Windows-1253)",
  "iso-8859-7": "Greek (ISO 8859-7)",
  "windows-1254": "Turkish (Windows-1254)",
  "windows-1255": "Hebrew (Windows-1255)",
  "windows-1256": "Arabic (Windows-1256)",
  "windows-1258": "Vietnamese (Windows-1258)",
  "windows-874": "Thai (Windows-874)",
  shift_jis: "Japanese (Shift JIS)",
  "euc-jp": "Japanese (EUC-JP)",
  gbk: "Simplified Chinese (GBK)",
  big5: "Traditional Chinese (Big5)",
  "euc-kr": "Korean (EUC-KR)",
} as const;

export type Encoding = keyof typeof ENCODINGS;

export function isEncoding(name: unknown): name is Encoding {
  return typeof name === "string" && Object.hasOwn(ENCODINGS, name);
}

/** The bytes of a text; null when the encoding has none for `unencodable(text, encoding)`. */
export function bytesIn(text: string, encoding: Encoding): Uint8Array<ArrayBuffer> | null {
  if (encoding === "utf-8") return new TextEncoder().encode(text);
  if (encoding === "utf-16le" || encoding === "utf-16be") return wideBytes(text, encoding === "utf-16le");
  const table = codesOf(encoding);
  const bytes = new Uint8Array(LONGEST * text.length);
  let length = 0;
  for (const character of text) {
    const code = table.get(character);
    if (!code) return null;
    for (const byte of code) bytes[length++] = byte;
  }
  return bytes.slice(0, length);
}

/** The first character that the encoding does not have; null when it has all. */
export function unencodable(text: string, encoding: Encoding): string | null {
  if (encoding.startsWith("utf-")) return null;
  const table = codesOf(encoding);
  for (const character of text) if (!table.has(character)) return character;
  return null;
}

function wideBytes(text: string, little: boolean): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(2 * text.length));
  for (let at = 0; at < text.length; at += 1) view.setUint16(2 * at, text.charCodeAt(at), little);
  return new Uint8Array(view.buffer);
}

type Code = readonly number[];

/** Bytes of a code. */
const LONGEST = 3;
const LINE_FEED = 0x0a;
/** Of codes of several bytes. Of characters with two codes the first counts: programs write what is in the later rows of these by another. */
const LEADS: Partial<Record<Encoding, readonly number[]>> = {
  shift_jis: [...range(0x81, 0xec), ...range(0xef, 0xfc), 0xed, 0xee],
  "euc-jp": range(0x8e, 0xfe),
  gbk: range(0x81, 0xfe),
  big5: [...range(0xa1, 0xfe), ...range(0x81, 0xa0)],
  "euc-kr": range(0x81, 0xfe),
};
const SECONDS = range(0x40, 0xfe);
/** Before this one come two more, of JIS X 0212. */
const THREE = 0x8f;

const tables = new Map<Encoding, ReadonlyMap<string, Code>>();

/** The code of each character. */
function codesOf(encoding: Encoding): ReadonlyMap<string, Code> {
  const known = tables.get(encoding);
  if (known) return known;
  const table = new Map<string, Code>([["\n", [LINE_FEED]]]);
  const codes = allCodes(encoding);
  // No character has a line feed within, and none runs over one.
  const texts = new TextDecoder(encoding).decode(Uint8Array.from(codes.flatMap((code) => [...code, LINE_FEED]))).split("\n");
  codes.forEach((code, index) => {
    const text = texts[index] ?? "";
    if (Array.from(text).length === 1 && text !== "\uFFFD" && !table.has(text)) table.set(text, code);
  });
  tables.set(encoding, table);
  return table;
}

function allCodes(encoding: Encoding): readonly Code[] {
  const leads = LEADS[encoding] ?? [];
  const pairs = leads.flatMap((lead) => SECONDS.map((second) => [lead, second]));
  const triples = encoding === "euc-jp" ? SECONDS.flatMap((second) => SECONDS.map((third) => [THREE, second, third])) : [];
  return [...range(0, 0xff).filter((byte) => byte !== LINE_FEED).map((byte) => [byte]), ...pairs, ...triples];
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
