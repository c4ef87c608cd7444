/** The shells of terminals that run on this machine, in containers too. */

import assert from "node:assert/strict";
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

/** Asserts that a call is refused with a text. */
export async function assertRefuses(work: Promise<unknown>, text: string): Promise<void> {
  await assert.rejects(work, (error: Error) => {
    assert.ok(error.message.includes(text), `${error.message} instead of ${text}`);
    return true;
  });
}
