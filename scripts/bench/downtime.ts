/** How long containers are away, as the engine's events tell, and what a switch takes without an agent. */

import { pollUntil } from "../testbed/wait.ts";
import { runProgram } from "../programs.ts";
import type { Dockerd } from "../testbed/dockerd.ts";
import { EngineCalls } from "./engine_calls.ts";

const noteLimitMs = 5_000;

/** How long it takes to stop a container of an image and to start another one, in milliseconds. */
export async function switchByEngine(engine: Dockerd, image: string): Promise<number> {
  const calls = new EngineCalls(engine.socket);
  const settings = { Image: image, Tty: true, HostConfig: { Privileged: true } };
  const [first, second] = [await calls.create("alone_1", settings), await calls.create("alone_2", settings)];
  await calls.start(first);
  const since = engineTime();
  await calls.stop(first);
  await calls.start(second);
  const ms = await readDowntime(engine, { since });
  for (const id of [first, second]) await calls.remove(id);
  return ms;
}

/**
 * The time from the first signal to a container to the last start, in milliseconds; `filters` choose the containers.
 * Throws `timeout` when there was no switch.
 */
export async function readDowntime(
  engine: Dockerd,
  { since, filters = [] }: { since: string; filters?: readonly string[] },
): Promise<number> {
  // The engine records a start slightly later than it answers.
  const read = async () => downtimeMs(await readEvents(engine, { since, filters }));
  return await pollUntil("the engine has noted the switch", read, { limitMs: noteLimitMs });
}

/** The signals to containers and their starts, one a line: `kill 1798000000123456789`. */
export async function readEvents(
  engine: Dockerd,
  { since, filters }: { since: string; filters: readonly string[] },
): Promise<string> {
  const all = ["type=container", "event=kill", "event=start", ...filters].flatMap((filter) => ["--filter", filter]);
  const args = ["events", "--since", since, "--until", engineTime(), "--format", "{{.Action}} {{.TimeNano}}"];
  return (await runProgram("docker", ["-H", engine.host, ...args, ...all])).stdout;
}

/** Reads lines like `kill 1798000000123456789`; undefined unless a start follows a signal. Pure. */
export function downtimeMs(events: string): number | undefined {
  const lines = events.split("\n").map((line) => line.split(" "));
  const timesOf = (wanted: string) =>
    lines.filter(([action]) => action === wanted).map(([, time]) => BigInt(time ?? 0));
  const [killed, started] = [timesOf("kill").at(0), timesOf("start").at(-1)];
  if (killed === undefined || started === undefined || started <= killed) return undefined;
  return Number((started - killed) / 1_000n) / 1_000;
}

/** The current time in the format of the docker command. */
export function engineTime(): string {
  return (Date.now() / 1_000).toFixed(3);
}
