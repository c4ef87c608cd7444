/** The demo inside a box: starts a Docker engine of its own and runs the demo on it. */

import { Dockerd } from "../testbed/dockerd.ts";
import { Docker } from "./docker.ts";
import { createNarrator, reasonOf } from "./narrator.ts";
import { readPart } from "./parts.ts";
import { show } from "./show.ts";

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  const narrator = createNarrator({ after: 1 });
  try {
    await using stack = new AsyncDisposableStack();
    const start = async () => {
      const docker = new Docker(stack.use(await Dockerd.start({ busybox: false })).host);
      return { docker, version: (await docker.readInfo()).version };
    };
    const { docker } = await narrator.timed(start, ({ version }) => `Docker ${version} is running, without any image`);
    // Nothing interrupts the demo in a box: it ends with the box.
    const stop = new AbortController().signal;
    await show({ part: readPart(Deno.args) ?? "app", docker, narrator, stop, lock: new DisposableStack() });
    return 0;
  } catch (error) {
    narrator.say(`The demo has failed: ${reasonOf(error)}`);
    return 1;
  }
}
