/** What this machine needs for something simple: figures of the agent mean something only beside these. */

const bareStarts = 11;

/** From the launch of an empty program to its end, several times, in milliseconds. */
export async function measureBareStarts(): Promise<number[]> {
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
    return times.slice(1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Calls which came before count for nothing: code and caches are warm then. */
const warmCalls = 50;

/** Runs `call` so many times, one after the other, after 50 that do not count. Gives the milliseconds of each. */
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
