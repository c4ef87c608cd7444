/**
 * A fake engine with one container that prints on command, for measuring the log path: `log_printer.ts SOCKET FORM`,
 * where FORM is `tty` or `frames`. It writes raw bytes to keep its own cost small: every line is one HTTP chunk, as
 * from the real engine. `GET /print?rate=…&seconds=…&lines=…` prints until the seconds or lines are over (without
 * `rate` as fast as they are read) and returns the number of lines.
 */

import { printedLine } from "./printed_lines.ts";

/** What to print. */
interface PrintOptions {
  linesPerSecond: number;
  seconds: number;
  lines: number;
}

const encoder = new TextEncoder();
const tickMs = 1;
/** The most lines per write. */
const writeLines = 2_000;

/** Serves until the process is ended. */
async function serve(path: string, isTty: boolean): Promise<void> {
  const followers = new Set<Deno.Conn>();
  const listener = Deno.listen({ transport: "unix", path });
  for await (const connection of listener) {
    answer(connection, { followers, isTty }).catch(() => {
      // The client has disconnected, so nobody needs the answer.
    });
  }
}

async function answer(
  connection: Deno.Conn,
  container: { followers: Set<Deno.Conn>; isTty: boolean },
): Promise<void> {
  const buffer = new Uint8Array(65_536);
  const size = await connection.read(buffer) ?? 0;
  const path = new TextDecoder().decode(buffer.subarray(0, size)).split(" ")[1] ?? "/";
  const url = new URL(path, "http://engine");
  if (url.pathname.endsWith("/logs")) {
    await write(connection, encoder.encode("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
    container.followers.add(connection);
    return;
  }
  const body = url.pathname === "/print"
    ? JSON.stringify(await print(readOptions(url.searchParams), container))
    : JSON.stringify(inspectBody(container.isTty));
  await write(
    connection,
    encoder.encode(
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    ),
  );
  connection.close();
}

function readOptions(query: URLSearchParams): PrintOptions {
  return {
    linesPerSecond: Number(query.get("rate") ?? Infinity),
    seconds: Number(query.get("seconds") ?? Infinity),
    lines: Number(query.get("lines") ?? Infinity),
  };
}

async function print(
  options: PrintOptions,
  container: { followers: Set<Deno.Conn>; isTty: boolean },
): Promise<{ lines: number; ms: number }> {
  const { linesPerSecond } = options;
  const beganMs = performance.now();
  let lines = 0;
  for (let nowMs = 0; nowMs < options.seconds * 1_000 && lines < options.lines; nowMs = performance.now() - beganMs) {
    const due = Math.min(lines + writeLines, options.lines, Math.floor(linesPerSecond * nowMs / 1_000));
    const parts: string[] = [];
    for (; lines < due; lines += 1) parts.push(chunkOf(printedLine(lines), container.isTty));
    const bytes = Uint8Array.from(parts.join(""), (character) => character.charCodeAt(0));
    for (const connection of container.followers) if (bytes.length > 0) await write(connection, bytes);
    if (linesPerSecond !== Infinity) await new Promise((resolve) => setTimeout(resolve, tickMs));
  }
  return { lines, ms: performance.now() - beganMs };
}

/** A line as the engine sends it: timestamp and text, framed unless the container has a terminal, in one chunk. */
function chunkOf(text: string, isTty: boolean): string {
  const stamp = new Date().toISOString().slice(0, -1) + "000000Z";
  const payload = isTty ? `${stamp} ${text}\r\n` : `${stamp} ${text}\n`;
  const { length } = payload;
  const header = isTty
    ? ""
    : String.fromCharCode(1, 0, 0, 0, length >> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255);
  return `${(header.length + length).toString(16)}\r\n${header}${payload}\r\n`;
}

async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}

function inspectBody(isTty: boolean): unknown {
  return {
    Id: "c1".padEnd(64, "0"),
    Name: "/prod_42_bench",
    State: { Status: "running", ExitCode: 0 },
    Config: { Tty: isTty, Image: "x" },
    HostConfig: {},
  };
}

if (import.meta.main) await serve(Deno.args[0] ?? "", Deno.args[1] === "tty");
