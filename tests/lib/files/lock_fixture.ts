/** Programs that hold a lock until they are killed, and a folder for it. */

import { pathOf, projectRoot } from "../../../scripts/paths.ts";

/** A program that runs until it is disposed. */
export interface RunningProgram extends AsyncDisposable {
  /** What it printed first. */
  firstLine: string;
}

/** Holds the lock of a file in another process. */
export async function holdLock(path: string, options: { umask?: string } = {}): Promise<RunningProgram> {
  const program = pathOf("lock_holder.ts", import.meta.url);
  const script = `umask ${options.umask ?? "022"}; exec "$0" run --no-prompt --quiet -P=agent "$1" "$2"`;
  return await startProgram(["sh", "-c", script, Deno.execPath(), program, path]);
}

/** Starts a program and waits for its first line. */
export async function startProgram(command: string[], options: { uid?: number } = {}): Promise<RunningProgram> {
  const [program = "", ...args] = command;
  const child = new Deno.Command(program, {
    args,
    cwd: options.uid === undefined ? projectRoot : "/",
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  return {
    firstLine: new TextDecoder().decode(value).trim(),
    [Symbol.asyncDispose]: async () => {
      await child.stdin.close();
      child.kill("SIGKILL");
      await reader.cancel();
      await child.status;
    },
  };
}

/** A folder of the test's own. */
export async function makeFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
