/** The files of a switch on Windows, on the disk. */

import { AgentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { writeFileDurably } from "../files/atomic_file.ts";
import { runCommand } from "../host/command.ts";
import { trialLimitMs } from "./fetch_release.ts";
import type { SwapFiles } from "./windows_swap.ts";

/** Works in the agent's folder. */
export function windowsFiles(agentDir: string, { log }: { log: Log }): SwapFiles {
  const at = (name: string) => `${agentDir}/${name}`;
  const markerPath = at("update-state.json");
  const remove = async (path: string) => {
    await Deno.remove(path).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  };
  return {
    // What cannot be read counts as nothing.
    readMarker: () => Deno.readTextFile(markerPath).catch(() => undefined),
    writeMarker: (text) => writeFileDurably(markerPath, text, { mode: 0o644, log }),
    removeMarker: () => remove(markerPath),
    rename: (from, to) => Deno.rename(at(from), at(to)),
    remove: (name) => remove(at(name)),
    size: (name) => Deno.stat(at(name)).then(({ isFile, size }) => isFile ? size : undefined, () => undefined),
    versionOf: async (name, signal) => {
      const { code, stdout } = await runCommand(at(name), ["-version"], { signal, timeoutMs: trialLimitMs });
      if (code !== 0) throw new AgentError("untrusted_server", `Refused "${at(name)}": it ended with ${code}`);
      return stdout;
    },
  };
}
