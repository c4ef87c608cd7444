/** The programs that the measurements of the log path start, and how they are spoken to. */

import type { Session } from "../../lib/wamp/session.ts";

/** What a program has used: processor time in microseconds, memory in bytes. */
export interface Usage {
  user: number;
  system: number;
  rss: number;
  heapUsed: number;
}

const folder = new URL(".", import.meta.url).pathname;
const startLimitMs = 20_000;
const againMs = 20;

/** Starts a program of this folder; it ends with `stack`. */
export function startProgram(stack: AsyncDisposableStack, program: { file: string; args: string[] }): void {
  const flags = ["--quiet", "--no-check", "--no-prompt", "-P=agent", "--v8-flags=--expose-gc"];
  const args = ["run", ...flags, folder + program.file, ...program.args];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  stack.defer(async () => {
    child.kill("SIGTERM");
    await child.status;
  });
}

/** Calls the agent, again and again while it is not there. Throws when it does not come. */
export async function callAgent(session: Session, procedure: string): Promise<unknown> {
  const beganMs = performance.now();
  for (;;) {
    try {
      return (await session.call(procedure)).args[0];
    } catch (error) {
      if (performance.now() - beganMs > startLimitMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, againMs));
    }
  }
}

/** What the agent has used so far. */
export async function readUsage(session: Session): Promise<Usage> {
  const usage = await callAgent(session, "bench.usage");
  if (typeof usage !== "object" || usage === null) throw new Error("The agent tells no usage");
  const read = (name: string) => Number(Object.entries(usage).find(([key]) => key === name)?.[1]);
  return { user: read("user"), system: read("system"), rss: read("rss"), heapUsed: read("heapUsed") };
}

/** Lets log_printer.ts print, and waits for its end. */
export async function printLines(socket: string, order: string): Promise<{ lines: number; ms: number }> {
  const connection = await Deno.connect({ transport: "unix", path: socket });
  await connection.write(new TextEncoder().encode(`GET /print?${order} HTTP/1.1\r\n\r\n`));
  const text = await new Response(connection.readable).text();
  const [, lines, ms] = /"lines":(\d+),"ms":([0-9.]+)/.exec(text) ?? [];
  return { lines: Number(lines), ms: Number(ms) };
}
