/** Lets a second agent run as if it were on another machine. */

import { projectRoot } from "../../scripts/paths.ts";
import { agentCommand } from "../../scripts/testbed/agent_process.ts";

/** A program that runs the agent with a single-instance lock of its own. Disposing removes it. */
export async function otherMachine(): Promise<{ program: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ prefix: "m-" });
  const agent = Deno.env.get("REAGENT_AGENT") ?? `${projectRoot}main.ts`;
  const inner = `mount --bind "${folder}/lock" /tmp/ironflock-reagent.lock && exec ${
    agentCommand(agent).join(" ")
  } "$@"`;
  await Deno.writeTextFile(`${folder}/lock`, "");
  await Deno.writeTextFile(`${folder}/inner`, `#!/bin/sh\n${inner}\n`, { mode: 0o755 });
  const script = `#!/bin/sh\nexec unshare --mount --propagation private "${folder}/inner" "$@"\n`;
  await Deno.writeTextFile(`${folder}/agent`, script, { mode: 0o755 });
  return { program: `${folder}/agent`, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}
