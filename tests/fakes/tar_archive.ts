/** Makes tar archives byte by byte, also such as no program makes. */

/** One entry; `type` is the flag of the format: `0` a file, `5` a folder, `2` a link, … */
export interface TarEntry {
  name: string;
  type?: string;
  content?: string | Uint8Array;
  /** Where a link leads. */
  linkName?: string;
  /** Written in place of the real size. */
  sizeBytes?: number;
  /** Extended headers in front of the entry. */
  pax?: Record<string, string>;
}

/** The archive, with the two blocks at its end. */
export function tarOf(entries: readonly TarEntry[]): Uint8Array<ArrayBuffer> {
  return concat([...entries.flatMap(blocksOf), new Uint8Array(1024)]);
}

/** The archive packed with gzip. */
export async function tgzOf(entries: readonly TarEntry[]): Promise<Uint8Array<ArrayBuffer>> {
  return await gzipOf(tarOf(entries));
}

/** Bytes packed with gzip. */
export async function gzipOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Response(bytes).body?.pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

function blocksOf({ name, type = "0", content = "", linkName = "", sizeBytes, pax }: TarEntry): Uint8Array[] {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const extended = pax === undefined ? [] : blocksOf({ name: "pax", type: "x", content: paxText(pax) });
  const header = headerOf({ name, type, linkName, size: sizeBytes ?? bytes.length });
  return [...extended, header, bytes, new Uint8Array((512 - bytes.length % 512) % 512)];
}

function paxText(pax: Record<string, string>): string {
  return Object.entries(pax).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = rest.length;
    while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length;
    return `${length}${rest}`;
  }).join("");
}

function headerOf(fields: { name: string; type: string; linkName: string; size: number }): Uint8Array {
  const block = new Uint8Array(512);
  const put = (at: number, text: string) => block.set(new TextEncoder().encode(text), at);
  put(0, fields.name.slice(0, 100));
  put(100, "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${fields.size.toString(8).padStart(11, "0")}\0`);
  put(136, "00000000000\0");
  put(148, " ".repeat(8));
  put(156, fields.type);
  put(157, fields.linkName);
  put(257, "ustar\x0000");
  put(148, `${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `);
  return block;
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
