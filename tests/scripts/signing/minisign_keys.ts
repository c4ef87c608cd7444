/** Keys, signatures and verdicts of the real minisign, for tests. */

import { mustRun, runProgram } from "../../../scripts/programs.ts";

/** A key pair in files of a folder. */
export interface MinisignKeys {
  secretFile: string;
  publicFile: string;
}

/** Makes a pair of keys, with a password if one is given. */
export async function makeMinisignKeys(
  folder: string,
  { name = "key", password }: { name?: string; password?: string } = {},
): Promise<MinisignKeys> {
  const keys = { secretFile: `${folder}/${name}.sec`, publicFile: `${folder}/${name}.pub` };
  const stdin = new TextEncoder().encode(password === undefined ? "" : `${password}\n${password}\n`);
  const without = password === undefined ? ["-W"] : [];
  await mustRun("minisign", ["-G", "-f", "-p", keys.publicFile, "-s", keys.secretFile, ...without], { stdin });
  return keys;
}

/** Signs a file; the signature is next to it. */
export async function signWithMinisign(
  file: string,
  { keys, options = [] }: { keys: MinisignKeys; options?: readonly string[] },
): Promise<void> {
  await mustRun("minisign", ["-S", "-W", "-s", keys.secretFile, "-m", file, ...options]);
}

/** What minisign says about a file and the signature next to it; undefined when it is good. */
export async function minisignProblem(file: string, { publicFile }: MinisignKeys): Promise<string | undefined> {
  const ended = await runProgram("minisign", ["-V", "-p", publicFile, "-m", file]);
  return ended.success ? undefined : ended.stdout + ended.stderr;
}
