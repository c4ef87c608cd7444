/**
 * One agent per machine: each removes containers it does not know, so two would remove each other's apps. The locks are
 * flock(2), so they end with the process, however that ends.
 */

import { AgentError } from "../base/errors.ts";
import { type FileLock, lockFile } from "./lock_file.ts";
import { fileError } from "./os_error.ts";

/** The files that are locked. */
export interface LockPaths {
  /** In a folder of the agent's own user: nobody else can hold it or put something else in its place. */
  own: string;
  /**
   * The file that the reference agent locks, in a folder that every user of the machine may write to. Best effort: it
   * counts only when root (or the agent's own user) holds it.
   */
  shared: string;
}

/** Both locks, held until disposed. */
export interface InstanceLock extends Disposable {
  /** What went wrong with the shared lock, for the log; empty as a rule. */
  readonly warnings: readonly string[];
}

/** The shared file stays readable for everybody, so that an agent of every user can lock it. */
const modes = { own: 0o600, shared: 0o644 } as const;

/**
 * Takes the locks, without waiting. The files are never removed. Throws `lock_held` when another agent runs,
 * `io_failed` when the own lock cannot be taken.
 */
export async function acquireInstanceLock(paths: LockPaths): Promise<InstanceLock> {
  const warnings: string[] = [];
  using stack = new DisposableStack();
  stack.use(await lockOwn(paths.own));
  const shared = await lockShared(paths.shared, (text) => void warnings.push(text));
  if (shared !== undefined) stack.use(shared);
  const held = stack.move();
  return { warnings, [Symbol.dispose]: () => held.dispose() };
}

async function lockOwn(path: string): Promise<FileLock> {
  try {
    const outcome = await lockFile(path, modes.own);
    if (outcome.kind === "locked") return outcome.lock;
    if (outcome.kind === "held") throw heldError(path);
    throw new AgentError("io_failed", `Cannot lock "${path}": ${outcome.reason}`);
  } catch (error) {
    throw fileError(`Cannot lock "${path}"`, error);
  }
}

/** Any user of the machine could keep the agent from starting, if whatever is in this place counted. */
async function lockShared(path: string, warn: (text: string) => void): Promise<FileLock | undefined> {
  try {
    const outcome = await lockFile(path, modes.shared);
    switch (outcome.kind) {
      case "locked":
        return outcome.lock;
      case "held":
        if (countsAsAgent(outcome.holderUid)) throw heldError(path);
        warn(`The lock "${path}" is held by a process of user ${outcome.holderUid ?? "unknown"}, which is no agent`);
        return undefined;
      case "unusable":
        warn(`Cannot lock "${path}": ${outcome.reason}`);
        return undefined;
    }
  } catch (error) {
    if (error instanceof AgentError) throw error;
    warn(fileError(`Cannot lock "${path}"`, error).message);
    return undefined;
  }
}

/** Agents run as root. Where the system does not show the holder, as outside Linux, it is taken for one. */
function countsAsAgent(holderUid: number | undefined): boolean {
  if (holderUid === undefined) return Deno.build.os !== "linux";
  return holderUid === 0 || holderUid === Deno.uid();
}

function heldError(path: string): AgentError {
  const hint = Deno.build.os === "windows" ? "reagent service stop" : "systemctl stop reagent";
  const text = `Another instance of the agent is already running on this machine (lock "${path}")`;
  return new AgentError("lock_held", `${text}; stop it first, for example with "${hint}"`);
}
