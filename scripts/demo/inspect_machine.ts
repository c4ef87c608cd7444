/**
 * Inspects the machine before the demo begins: is there an engine, does an agent run, is a private engine possible.
 */

import { hasCode } from "../../lib/base/errors.ts";
import { runProgram } from "../programs.ts";
import { chooseEngine, type EngineChoice, type MachineState } from "./choice.ts";
import { Docker, findDockerHost } from "./docker.ts";

/** The file that every agent locks. */
const agentLock = "/tmp/ironflock-reagent.lock";

/**
 * The choice. `lock` keeps other agents away from an existing engine; release it right before starting our agent.
 */
export interface EngineDecision {
  choice: EngineChoice;
  lock: DisposableStack;
}

/** Inspects the machine and chooses the engine. Changes nothing. */
export async function inspectMachine(): Promise<EngineDecision> {
  const lock = new DisposableStack();
  if (Deno.build.os !== "linux") {
    const because = "The demo runs on Linux only; on other systems the Docker engine runs in a virtual machine.";
    return { choice: { kind: "none", because, need: "Use a Linux machine, real or virtual." }, lock };
  }
  const [engine, noBox] = await Promise.all([findEngine(), whyNoBox()]);
  // Without an engine it does not matter whether an agent is running.
  const held = engine === undefined ? undefined : await takeLock();
  const isAgentRunning = engine !== undefined && held === undefined;
  const choice = chooseEngine({ engine, isAgentRunning, hostname: Deno.hostname(), noBox });
  if (held !== undefined) lock.use(held);
  if (choice.kind !== "existing") lock.dispose();
  return { choice, lock };
}

/** Not by `lib/files/lock_file.ts`: that opens files of the kernel, which tasks may not. */
async function takeLock(): Promise<Deno.FsFile | undefined> {
  const file = await openLock();
  if (await file.tryLock(true)) return file;
  file.close();
  return undefined;
}

/** Without O_CREAT where the file exists: the kernel refuses it on a stranger's file in a shared folder. */
async function openLock(): Promise<Deno.FsFile> {
  try {
    return await Deno.open(agentLock);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return await Deno.open(agentLock, { read: true, write: true, create: true, mode: 0o644 });
  }
}

async function findEngine(): Promise<MachineState["engine"]> {
  const host = await findDockerHost();
  if (host === undefined) return undefined;
  try {
    const docker = new Docker(host);
    const [info, foreignContainers] = [await docker.readInfo(), await docker.listForeignContainers()];
    return { ...info, host, foreignContainers };
  } catch (error) {
    // The engine is not running, or this user may not use it.
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
