/** Finds the file that this program consists of. */

import { AgentError } from "../base/errors.ts";

/** A file that can be copied and started somewhere else. */
export interface OwnProgram {
  path: string;
  /** The runtime that it needs; undefined for an executable. */
  runtime: string | undefined;
}

/** How a launcher begins: it is a script for the shell and for the runtime. */
const launcherHead = "#!/bin/sh\n':' ";

/** The executable or the launcher that runs. Throws `not_available` when the program runs from its source. */
export async function findOwnProgram(): Promise<OwnProgram> {
  if (Deno.build.standalone) return { path: Deno.execPath(), runtime: undefined };
  const url = new URL(Deno.mainModule);
  const path = url.protocol === "file:" ? decodeURIComponent(url.pathname) : "";
  if (path === "" || !await isLauncher(path)) {
    throw new AgentError(
      "not_available",
      'an agent that runs from its source is no service; build one: "deno task build"',
    );
  }
  return { path: await Deno.realPath(path), runtime: Deno.execPath() };
}

async function isLauncher(path: string): Promise<boolean> {
  using file = await Deno.open(path);
  const head = new Uint8Array(launcherHead.length);
  let length = 0;
  for (;;) {
    const count = await file.read(head.subarray(length));
    if (count === null || count === 0) break;
    length += count;
  }
  return new TextDecoder().decode(head) === launcherHead;
}
