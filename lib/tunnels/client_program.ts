/** Keeps the program of the tunnel client on the device: the version that this agent brings with it. */

import { within } from "../async/deadline.ts";
import { AgentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { removeLeftovers, temporaryPath, tryRemove } from "../files/leftovers.ts";
import { makeFolderSync } from "../files/make_folder.ts";
import { fileError } from "../files/os_error.ts";
import { folderOf } from "../files/path_parts.ts";
import { placeFile } from "../files/place_file.ts";
import { runCommand } from "../host/command.ts";
import { buildArch, tunnelClientVersion } from "../version.ts";

/** What is needed to have the program. */
export interface ClientProgramOptions {
  /** Where it has to be. */
  program: string;
  /** Folders in which it may be, packed; each with a slash at its end. */
  sources: readonly URL[];
  log: Log;
}

const versionMs = 5_000;
const unpackMs = 120_000;

/** The name of the packed program for this machine, inside an executable or next to a launcher. */
export function packedClientName(os: string = Deno.build.os): string {
  const { arch, variant } = buildArch();
  return `frpc-${os}-${arch}${variant}.gz`;
}

/**
 * Sees to it that the program is there in the right version: one that says so is kept, whatever it is. Throws
 * `not_available` when this agent brings none, `io_failed` or `no_space` when it cannot be written, and
 * `command_failed` when it does not run.
 */
export async function ensureClientProgram(options: ClientProgramOptions, signal: AbortSignal): Promise<void> {
  const { program, sources, log } = options;
  const found = await readVersion(program, signal);
  if (found === tunnelClientVersion) return;
  using packed = await openFirst(sources.map((folder) => new URL(packedClientName(), folder)));
  if (packed === undefined) {
    throw new AgentError("not_available", `There is no tunnel client ${tunnelClientVersion} for this device`);
  }
  await removeLeftovers(program, log);
  await within(unpackMs, (within) => unpackClient(packed, program, within), {
    what: "Writing the tunnel client",
    signal,
  });
  const written = await readVersion(program, signal);
  if (written !== tunnelClientVersion) {
    throw new AgentError("command_failed", `The tunnel client does not run: "${program}" is of no known version`);
  }
  log.info("Wrote the tunnel client", { path: program, version: written, ...(found === undefined ? {} : { found }) });
}

/** Undefined for one that is missing, cannot be run, or does not answer. */
async function readVersion(program: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { code, stdout } = await runCommand(program, ["--version"], { timeoutMs: versionMs, signal });
    return code === 0 ? stdout.trim().slice(0, 100) : undefined;
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}

async function openFirst(paths: readonly URL[]): Promise<Deno.FsFile | undefined> {
  for (const path of paths) {
    try {
      return await Deno.open(path);
    } catch {
      // Most of them are not there.
    }
  }
  return undefined;
}

/** What runs goes on running with the old file. */
async function unpackClient(packed: Deno.FsFile, program: string, signal: AbortSignal): Promise<void> {
  const temporary = temporaryPath(program);
  try {
    makeFolderSync(folderOf(program), { mode: 0o755 });
    const file = await Deno.open(temporary, { write: true, createNew: true, mode: 0o600 });
    await packed.readable.pipeThrough(new DecompressionStream("gzip")).pipeTo(file.writable, { signal });
    await placeFile(temporary, { to: program, mode: 0o755 });
  } catch (error) {
    await tryRemove(temporary);
    throw fileError(`Cannot write "${program}"`, error);
  }
}
