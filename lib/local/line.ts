/** Reads one line from a connection, and writes one, each within a limit of bytes. */

import { joinBytes } from "../base/lines.ts";
import { AgentError } from "../base/errors.ts";
import { lineFeed } from "../base/bytes.ts";
import { writeAll } from "../files/write_all.ts";

/** What is read from: a connection. */
interface Readable {
  read(bytes: Uint8Array): Promise<number | null>;
}

/** What is written to: a connection. */
interface Writable {
  write(bytes: Uint8Array): Promise<number>;
}

const firstBytes = 4 * 1024;

/**
 * The next line, without its end, or what comes before the end of the stream. Throws `protocol_error` for a line of
 * more than `limitBytes`, and what the connection throws. What follows the line is lost.
 */
export async function receiveLine(connection: Readable, limitBytes: number): Promise<string> {
  let buffer: Uint8Array = new Uint8Array(firstBytes);
  for (let length = 0;;) {
    if (length === buffer.length) buffer = joinBytes([buffer], 2 * length);
    const count = await connection.read(buffer.subarray(length)) ?? 0;
    const end = buffer.subarray(0, length + count).indexOf(lineFeed, length);
    length = end < 0 ? length + count : end;
    if (length > limitBytes) throw new AgentError("protocol_error", `A line has more than ${limitBytes} bytes`);
    if (end >= 0 || count === 0) return new TextDecoder().decode(buffer.subarray(0, length));
  }
}

/** Writes a line with its end. */
export async function sendLine(connection: Writable, line: string): Promise<void> {
  await writeAll(connection, new TextEncoder().encode(`${line}\n`));
}
