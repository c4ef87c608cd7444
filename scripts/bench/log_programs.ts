/**
 * The stage on which parts of the agent are measured alone, where a whole agent would hide them: an engine that only prints
 * (log_printer.ts), a part of the agent (log_agent.ts, day_agent.ts), each in a process of its own, and a router in this one.
 */

import type { Session } from "../../lib/wamp/session.ts";
import { sleep } from "../testbed/wait.ts";
import { openSession, startRouter } from "../../tests/lib/wamp/open_session.ts";
import { runtimeSettings } from "../build/plan.ts";
import type { Router } from "../studio/router/router.ts";
import { pathOf } from "../paths.ts";

/** The parts that run. */
export interface LogStage {
  router: Router;
  /** Whoever calls the agent and looks at its logs. */
  studio: Session;
  /** Of the engine. */
  socket: string;
  /** The process of the agent. */
  pid: number;
}

/** What a program has used: processor time in microseconds, memory in bytes. */
export interface Usage {
  user: number;
  system: number;
  rss: number;
  heapUsed: number;
}

/** What a stage is made of. */
export interface LogStageOptions {
  agent: "log_agent.ts" | "day_agent.ts";
  /** The container has a terminal. */
  isTty: boolean;
  /** Before the agent is there. */
  prepare?(studio: Session): Promise<void>;
}

const folder = pathOf(".", import.meta.url);
const startLimitMs = 20_000;
const againMs = 20;
/** The container is followed a little later than calls are answered. */
const followMs = 1_000;

/** Starts all parts; they end with `stack`. The agent can be called and follows the container then. */
export async function startLogStage(stack: AsyncDisposableStack, options: LogStageOptions): Promise<LogStage> {
  const home = await Deno.makeTempDir({ prefix: "b-" });
  stack.defer(() => Deno.remove(home, { recursive: true }));
  const socket = `${home}/s`;
  const router = stack.use(await startRouter());
  const studio = await openSession(router.url, { authid: "system" });
  stack.defer(() => studio.close());
  await options.prepare?.(studio);
  startProgram(stack, { file: "log_printer.ts", args: [socket, options.isTty ? "tty" : "frames"] });
  const pid = startProgram(stack, { file: options.agent, args: [socket, router.url, home] });
  await callAgent(studio, "bench.ping");
  await sleep(followMs);
  return { router, studio, socket, pid };
}

/** Calls the agent, again and again while it is not there. Throws when it does not come. */
export async function callAgent(session: Session, procedure: string): Promise<unknown> {
  const beganMs = performance.now();
  for (;;) {
    try {
      return (await session.call(procedure)).args[0];
    } catch (error) {
      if (performance.now() - beganMs > startLimitMs) throw error;
      await sleep(againMs);
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

function startProgram(stack: AsyncDisposableStack, program: { file: string; args: string[] }): number {
  const flags = ["--quiet", "--no-check", "--no-prompt", "-P=agent", ...runtimeSettings];
  const args = ["run", ...flags, folder + program.file, ...program.args];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "null", stderr: "inherit" }).spawn();
  stack.defer(async () => {
    child.kill("SIGTERM");
    await child.status;
  });
  return child.pid;
}
