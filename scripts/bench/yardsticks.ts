/** What this machine needs for something simple: figures of the agent mean something only beside these. */

import { Agent, request } from "node:http";
import { median, percentile } from "./figures.ts";

const bareStarts = 11;

/** From the launch of an empty program to its end: the median, in milliseconds. */
export async function measureBareStart(): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "b-" });
  try {
    const file = `${folder}/empty.ts`;
    await Deno.writeTextFile(file, "export {};\n");
    const args = ["run", "--quiet", "--no-check", "--no-config", file];
    const times: number[] = [];
    for (let run = 0; run <= bareStarts; run += 1) {
      const beganMs = performance.now();
      await new Deno.Command(Deno.execPath(), { args, stdin: "null" }).output();
      times.push(performance.now() - beganMs);
    }
    // The first one fills caches.
    return median(times.slice(1));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * The engine's own list of containers over its socket: p50 and p99 in milliseconds, of `count` requests one after the other. Each
 * uses a connection of its own, as those of the agent do.
 */
export async function measureEngine(socketPath: string, count: number): Promise<{ p50Ms: number; p99Ms: number }> {
  const agent = new Agent({ keepAlive: false });
  const ask = () =>
    new Promise<void>((resolve, reject) => {
      const call = request({ socketPath, agent, path: "/containers/json?all=1" }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`The engine answers with status ${response.statusCode}`));
        response.on("end", resolve).on("error", reject).resume();
      });
      call.on("error", reject).end();
    });
  const times = await timeEach(ask, count);
  return { p50Ms: percentile(times, 50), p99Ms: percentile(times, 99) };
}

/** Calls which came before count for nothing: code and caches are warm then. */
const warmCalls = 50;

/** Runs `call` so many times, one after the other, after 50 that do not count. Gives the milliseconds of each. */
export async function timeEach(call: () => Promise<unknown>, count: number): Promise<number[]> {
  for (let index = 0; index < warmCalls; index += 1) await call();
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const beganMs = performance.now();
    await call();
    times.push(performance.now() - beganMs);
  }
  return times;
}
