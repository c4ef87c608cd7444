/**
 * An engine with one container that prints as fast as it is told, for measuring the log path: `log_printer.ts SOCKET FORM`,
 * FORM being `tty` or `frames`. Raw, so that its own cost stays small: every line is an HTTP chunk of its own, as the real
 * engine writes it. `GET /print?rate=…&seconds=…&lines=…` prints until the seconds or lines are over (without `rate`
 * as fast as they are read) and answers with the number of lines.
 */

import { printedLine } from "./printed_lines.ts";

/** What a run of printing is told. */
interface PrintOrder {
  linesPerSecond: number;
  seconds: number;
  lines: number;
}

const encoder = new TextEncoder();
const tickMs = 1;
/** So many lines leave with one write at most. */
const writeLines = 2_000;

/** Serves until the process is ended. */
async function serve(path: string, isTty: boolean): Promise<void> {
  const followers = new Set<Deno.Conn>();
  const listener = Deno.listen({ transport: "unix", path });
  for await (const connection of listener) {
    answer(connection, { followers, isTty }).catch(() => {
      // The other side has gone; so has what was asked.
    });
  }
}

async function answer(
  connection: Deno.Conn,
  world: { followers: Set<Deno.Conn>; isTty: boolean },
): Promise<void> {
  const buffer = new Uint8Array(65_536);
  const size = await connection.read(buffer) ?? 0;
  const path = new TextDecoder().decode(buffer.subarray(0, size)).split(" ")[1] ?? "/";
  const url = new URL(path, "http://engine");
  if (url.pathname.endsWith("/logs")) {
    await write(connection, encoder.encode("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
    world.followers.add(connection);
    return;
  }
  const body = url.pathname === "/print"
    ? JSON.stringify(await print(orderOf(url.searchParams), world))
    : JSON.stringify(inspectBody(world.isTty));
  await write(
    connection,
    encoder.encode(
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    ),
  );
  connection.close();
}

function orderOf(query: URLSearchParams): PrintOrder {
  return {
    linesPerSecond: Number(query.get("rate") ?? Infinity),
    seconds: Number(query.get("seconds") ?? Infinity),
    lines: Number(query.get("lines") ?? Infinity),
  };
}

async function print(
  order: PrintOrder,
  world: { followers: Set<Deno.Conn>; isTty: boolean },
): Promise<{ lines: number; ms: number }> {
  const { linesPerSecond } = order;
  const beganMs = performance.now();
  let lines = 0;
  for (let nowMs = 0; nowMs < order.seconds * 1_000 && lines < order.lines; nowMs = performance.now() - beganMs) {
    const due = Math.min(lines + writeLines, order.lines, Math.floor(linesPerSecond * nowMs / 1_000));
    const parts: string[] = [];
    for (; lines < due; lines += 1) parts.push(chunkOf(printedLine(lines), world.isTty));
    const bytes = Uint8Array.from(parts.join(""), (character) => character.charCodeAt(0));
    for (const connection of world.followers) if (bytes.length > 0) await write(connection, bytes);
    if (linesPerSecond !== Infinity) await new Promise((resolve) => setTimeout(resolve, tickMs));
  }
  return { lines, ms: performance.now() - beganMs };
}

/** A line as the engine sends it: stamp, text, in a frame when the container has no terminal, in a chunk of its own. */
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
