/** What this machine needs for simple operations, for comparison with the agent's results. */

const emptyStarts = 11;

/** How long an empty program takes from launch to end, several times, in milliseconds. */
export async function measureEmptyStarts(): Promise<number[]> {
  const folder = await Deno.makeTempDir({ prefix: "b-" });
  try {
    const file = `${folder}/empty.ts`;
    await Deno.writeTextFile(file, "export {};\n");
    const args = ["run", "--quiet", "--no-check", "--no-config", file];
    const times: number[] = [];
    for (let run = 0; run <= emptyStarts; run += 1) {
      const beganMs = performance.now();
      await new Deno.Command(Deno.execPath(), { args, stdin: "null" }).output();
      times.push(performance.now() - beganMs);
    }
    // The first run fills caches.
    return times.slice(1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Calls that warm up code and caches and are not measured. */
const warmCalls = 50;

/** Runs `call` repeatedly, after 50 calls that are not measured. Returns the milliseconds of each. */
export async function timeEach(call: () => Promise<unknown>, count: number): Promise<number[]> {
  for (let index = 0; index < warmCalls; index += 1) await call();
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) times.push(await timeOf(call));
  return times;
}

/** How long `call` takes, in milliseconds. */
export async function timeOf(call: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  await call();
  return performance.now() - beganMs;
}
