/**
 * Looks at the machine before the demo begins: is there an engine, does an agent run, can there be a private engine.
 */

import { hasCode } from "../../lib/base/errors.ts";
import { acquireInstanceLock, type InstanceLock } from "../../lib/files/instance_lock.ts";
import { runProgram } from "../programs.ts";
import { chooseEngine, type EngineChoice, type Surroundings } from "./choice.ts";
import { Docker, usualHost } from "./docker.ts";

/** The path that every agent locks. */
const agentLock = "/tmp/ironflock-reagent.lock";

/**
 * The choice. `lock` keeps other agents from the engine that is there; it is to be given back right before ours
 * starts.
 */
export type Chosen = { choice: EngineChoice; lock: DisposableStack };

/** Looks around and chooses. Changes nothing. */
export async function lookAround(): Promise<Chosen> {
  const lock = new DisposableStack();
  if (Deno.build.os !== "linux") {
    const because = "The demo runs on Linux only: elsewhere the Docker engine is in a machine of its own.";
    return { choice: { kind: "none", because, need: "Use a Linux machine, virtual or real." }, lock };
  }
  const [engine, noBox] = await Promise.all([findEngine(), whyNoBox()]);
  // Without an engine it is nobody's business whether an agent runs.
  const held = engine === undefined ? undefined : await takeLock();
  const isAgentRunning = engine !== undefined && held === undefined;
  const choice = chooseEngine({ engine, isAgentRunning, hostname: Deno.hostname(), noBox });
  if (held !== undefined) lock.use(held);
  if (choice.kind !== "there") lock.dispose();
  return { choice, lock };
}

async function takeLock(): Promise<InstanceLock | undefined> {
  try {
    return await acquireInstanceLock(agentLock);
  } catch (error) {
    if (hasCode(error, "lock_held")) return undefined;
    throw error;
  }
}

async function findEngine(): Promise<Surroundings["engine"]> {
  const host = await usualHost();
  if (host === undefined) return undefined;
  try {
    const docker = new Docker(host);
    const [facts, foreignContainers] = [await docker.facts(), await docker.foreignContainers()];
    return { ...facts, host, foreignContainers };
  } catch (error) {
    // Not running, or not for this user: the same for the demo.
    if (hasCode(error, "command_failed")) return undefined;
    throw error;
  }
}

async function whyNoBox(): Promise<string | undefined> {
  if (Deno.uid() !== 0) return "that needs root";
  if (!(await runProgram("apt-get", ["--version"])).success) return "that needs Debian";
  const tried = await runProgram("unshare", ["--net", "--mount", "--pid", "--fork", "true"]);
  return tried.success ? undefined : `this machine does not allow it (${(tried.stdout + tried.stderr).trim()})`;
}
