/** Keeps logs from filling the disk: limits for the logs of new containers, and for the journal of the system. */

import { AgentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { formatJsonTree, type JsonMember, type JsonNode, parseJsonTree, scalarValue } from "../base/json_tree.ts";
import { writeFileDurably } from "../files/atomic_file.ts";

/** Where the limits are written. */
export interface LogLimitFiles {
  /** The engine's settings. */
  engineFile: string;
  /** The folder of systemd; without it the system keeps no journal to limit. */
  systemdFolder: string;
}

/** The places on a Linux device. */
export const usualLogLimitFiles: LogLimitFiles = {
  engineFile: "/etc/docker/daemon.json",
  systemdFolder: "/etc/systemd",
};

/** What the limits are set with. */
export interface LogLimitDeps {
  files?: LogLimitFiles;
  /** Lets the journal read its settings anew. */
  restartJournal(signal: AbortSignal): Promise<void>;
  log: Log;
}

const journalText = "[Journal]\nSystemMaxUse=200M\n";

/** Drivers that know the limits; with them, every other refuses to make containers. */
const limitableDrivers: readonly string[] = ["json-file", "local"];

const limits: JsonMember = {
  name: "log-opts",
  value: {
    kind: "object",
    members: [
      { name: "max-size", value: { kind: "scalar", text: '"10m"' } },
      { name: "max-file", value: { kind: "scalar", text: '"3"' } },
    ],
  },
};

const driver: JsonMember = { name: "log-driver", value: { kind: "scalar", text: '"json-file"' } };

/** Sets the limits where there are none. The engine takes them at its next start; it is not restarted. Never throws. */
export async function limitLogs(parts: LogLimitDeps, signal: AbortSignal): Promise<void> {
  const { files = usualLogLimitFiles, restartJournal, log } = parts;
  try {
    const changed = limitedEngineSettings(await readIfThere(files.engineFile));
    if (changed !== undefined) await write(files.engineFile, changed, log);
  } catch (error) {
    log.warn("Cannot limit the logs of containers", { path: files.engineFile, error });
  }
  const journalFile = `${files.systemdFolder}/journald.conf.d/10-ironflock.conf`;
  try {
    if (!await isFolder(files.systemdFolder) || await readIfThere(journalFile) === journalText) return;
    await write(journalFile, journalText, log);
    await restartJournal(signal);
  } catch (error) {
    log.warn("Cannot limit the system's journal", { path: journalFile, error });
  }
}

/**
 * The engine's settings with limits for logs; undefined when nothing is to be changed: they are there, another driver is chosen, or the
 * text is no JSON object. `text` is undefined when there is no file. Everything else in it stays as it is. Pure.
 */
export function limitedEngineSettings(text: string | undefined): string | undefined {
  const parsed = parseJsonTree(text ?? "{}");
  if (parsed.kind === "broken" || parsed.root.kind !== "object") return undefined;
  const { members } = parsed.root;
  const chosen = valueOf(members, driver.name);
  if (!isUnset(chosen) && !isLimitable(chosen)) return undefined;
  const missing = [driver, limits].filter(({ name }) => isUnset(valueOf(members, name)));
  if (missing.length === 0) return undefined;
  const kept = members.filter(({ name }) => !missing.some((member) => member.name === name));
  const narrow = formatJsonTree({ kind: "object", members: [...kept, ...missing] });
  // No text in JSON goes over a line break, so spaces at the beginning of a line are all indentation.
  return `${narrow.replace(/^ +/gm, "$&$&")}\n`;
}

function valueOf(members: readonly JsonMember[], name: string): JsonNode | undefined {
  return members.find((member) => member.name === name)?.value;
}

function isLimitable(value: JsonNode | undefined): boolean {
  const name = value && scalarValue(value);
  return typeof name === "string" && limitableDrivers.includes(name);
}

function isUnset(value: JsonNode | undefined): boolean {
  return value === undefined || (value.kind === "scalar" && ["null", '""'].includes(value.text));
}

async function write(path: string, text: string, log: Log): Promise<void> {
  const folder = path.slice(0, path.lastIndexOf("/"));
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new AgentError("io_failed", `Cannot create the folder "${folder}"`, { cause: error });
  }
  await writeFileDurably(path, text, { mode: 0o644, log });
  log.info("Limited the size of logs", { path });
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new AgentError("io_failed", `Cannot read "${path}"`, { cause: error });
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    // Not there, or not for us: nothing to limit.
    return false;
  }
}
