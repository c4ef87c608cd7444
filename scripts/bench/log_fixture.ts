/**
 * The fixture for single components of the agent, whose cost a whole agent would hide: an engine that only prints
 * (log_printer.ts) and components of the agent (log_agent.ts, day_agent.ts), each in a process of its own, and a router
 * in this process.
 */

import type { Session } from "../../lib/wamp/session.ts";
import { sleep } from "../testbed/wait.ts";
import { realm } from "../../lib/backend/uris.ts";
import { openSession } from "../studio/open_session.ts";
import { runtimeSettings } from "../build/plan.ts";
import { Router } from "../studio/router/router.ts";
import { pathOf } from "../paths.ts";
import { agentUser, studioUser } from "./log_names.ts";

/** The running fixture. */
export interface LogFixture {
  router: Router;
  /** Calls the agent and views its logs. */
  studio: Session;
  /** The engine's socket. */
  socket: string;
  /** The agent's process id. */
  pid: number;
}

/** What a program reports about itself: processor time in microseconds, memory in bytes. */
export interface ReportedUsage {
  user: number;
  system: number;
  rss: number;
  heapUsed: number;
}

/** How a fixture is started. */
export interface LogFixtureOptions {
  agent: "log_agent.ts" | "day_agent.ts";
  /** The container has a terminal. */
  isTty: boolean;
  /** Runs before the agent starts. */
  prepare?(studio: Session): Promise<void>;
}

const folder = pathOf(".", import.meta.url);
const startLimitMs = 20_000;
const againMs = 20;
/** The agent follows the container shortly after it answers calls. */
const followMs = 1_000;

/** Starts everything; it ends with `stack`. Resolves when the agent answers calls and follows the container. */
export async function startLogFixture(stack: AsyncDisposableStack, options: LogFixtureOptions): Promise<LogFixture> {
  const home = await Deno.makeTempDir({ prefix: "b-" });
  stack.defer(() => Deno.remove(home, { recursive: true }));
  const socket = `${home}/s`;
  const users = { [agentUser.authid]: agentUser, [studioUser.authid]: studioUser };
  const router = stack.use(await Router.listen({ hostname: "127.0.0.1", port: 0, realm, users }));
  const studio = await openSession({ url: router.url, ...studioUser });
  stack.defer(() => studio.close());
  await options.prepare?.(studio);
  startProgram(stack, { file: "log_printer.ts", args: [socket, options.isTty ? "tty" : "frames"] });
  const pid = startProgram(stack, { file: options.agent, args: [socket, router.url, home] });
  await callAgent(studio, "bench.ping");
  await sleep(followMs);
  return { router, studio, socket, pid };
}

/** Calls the agent, and retries until it answers. Throws when it never does. */
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

/** Asks the agent what it has used so far. */
export async function readReportedUsage(session: Session): Promise<ReportedUsage> {
  const usage = await callAgent(session, "bench.usage");
  if (typeof usage !== "object" || usage === null) throw new Error("The agent does not report its usage");
  const read = (name: string) => Number(Object.entries(usage).find(([key]) => key === name)?.[1]);
  return { user: read("user"), system: read("system"), rss: read("rss"), heapUsed: read("heapUsed") };
}

/** Lets log_printer.ts print and waits until it has finished. */
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
