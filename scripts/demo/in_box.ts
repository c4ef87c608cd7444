/** The demo inside a box: starts a Docker engine of its own and shows everything on it. */

import { Dockerd } from "../testbed/dockerd.ts";
import { Docker } from "./docker.ts";
import { narratorOnStdout, reasonOf } from "./narrator.ts";
import { show } from "./show.ts";

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  const narrator = narratorOnStdout({ after: 1 });
  try {
    await using stack = new AsyncDisposableStack();
    const start = async () => {
      const docker = new Docker(stack.use(await Dockerd.start({ busybox: false })).host);
      return { docker, version: (await docker.facts()).version };
    };
    const { docker } = await narrator.timed(start, ({ version }) => `Docker ${version} runs, without an image in it`);
    // Nobody interrupts what is in a box: it ends with the box.
    const stop = new AbortController().signal;
    await show({ docker, narrator, stop, lock: new DisposableStack() });
    return 0;
  } catch (error) {
    narrator.say(`This did not work: ${reasonOf(error)}`);
    return 1;
  }
}
