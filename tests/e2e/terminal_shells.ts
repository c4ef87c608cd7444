/** The shells of terminals that run on this machine, in containers too. */

import assert from "node:assert/strict";
import { findProcesses } from "../../lib/host/find_processes.ts";
import { shellMark } from "../../lib/terminals/open_shells.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";

/** The process ids of the shells, without what runs in them. */
export async function terminalShells(): Promise<number[]> {
  const marked = new Map<number, string>();
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const read = (file: string) => Deno.readTextFile(`/proc/${name}/${file}`).catch(() => "");
    const mark = new RegExp(`${shellMark}=[^\0]*`).exec(await read("environ"))?.[0];
    const stat = (await read("stat")).replace(/^.*\) /s, "").split(" ");
    if (mark !== undefined && stat[3] === name) marked.set(Number(name), mark);
  }
  return [...marked.keys()];
}

/** Waits until no shell of a terminal is left. */
export async function untilNoShell(): Promise<void> {
  await pollUntil("no shell is left", async () => (await terminalShells()).length === 0 || undefined, {
    limitMs: 60_000,
  });
}

/** Replaces the shell of a terminal by one that ignores the hang-up and has none of its variables. */
export function replaceShell(name: string): string {
  return `exec env -i PATH=/usr/bin:/bin sh -c ': ${name}; trap "" HUP; echo re""placed; while :; do sleep 1; done'\r`;
}

/** Waits until there is no process any more that has this among its arguments. */
export async function untilNoProcess(name: string): Promise<void> {
  const found = () => findProcesses((args) => args.some((arg) => arg.includes(name)));
  await pollUntil(`${name} has ended`, () => Promise.resolve(found().length === 0 || undefined), { limitMs: 60_000 });
}

/** Asserts that a call is refused with a text. */
export async function assertRefuses(work: Promise<unknown>, text: string): Promise<void> {
  await assert.rejects(work, (error: Error) => {
    assert.ok(error.message.includes(text), `${error.message} instead of ${text}`);
    return true;
  });
}
