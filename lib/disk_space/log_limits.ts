/** Limits the size of the logs of new containers and of the system journal. */

import { AgentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { formatJsonTree, type JsonMember, type JsonNode, parseJsonTree, scalarValue } from "../base/json_tree.ts";
import { writeFileDurably } from "../files/atomic_file.ts";
import { makeFolderSync } from "../files/make_folder.ts";

/** The files that hold the limits. */
export interface LogLimitFiles {
  /** The engine's settings. */
  engineFile: string;
  /** The folder of systemd; without it there is no journal to limit. */
  systemdFolder: string;
}

/** The paths on Linux devices. */
export const linuxLogLimitFiles: LogLimitFiles = {
  engineFile: "/etc/docker/daemon.json",
  systemdFolder: "/etc/systemd",
};

/** What `limitLogs()` changes. */
export interface LogLimitDeps {
  files?: LogLimitFiles;
  /** Makes the journal read its settings again. */
  restartJournal(signal: AbortSignal): Promise<void>;
  log: Log;
}

const journalText = "[Journal]\nSystemMaxUse=200M\n";

/** Drivers that know the limits; with any other, these limits keep the engine from creating containers. */
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

/** Sets missing limits. The engine is not restarted and reads them at its next start. Never throws. */
export async function limitLogs(deps: LogLimitDeps, signal: AbortSignal): Promise<void> {
  const { files = linuxLogLimitFiles, restartJournal, log } = deps;
  try {
    const changed = limitedEngineSettings(await readOptional(files.engineFile));
    if (changed !== undefined) await write(files.engineFile, changed, log);
  } catch (error) {
    log.warn("Cannot limit the logs of containers", { path: files.engineFile, error });
  }
  const journalFile = `${files.systemdFolder}/journald.conf.d/10-ironflock.conf`;
  try {
    if (!await folderExists(files.systemdFolder) || await readOptional(journalFile) === journalText) return;
    await write(journalFile, journalText, log);
    await restartJournal(signal);
  } catch (error) {
    log.warn("Cannot limit the system's journal", { path: journalFile, error });
  }
}

/**
 * Adds the limits to the engine's settings and keeps everything else; `text` is undefined when there is no file.
 * Returns undefined when nothing is to be changed: limits are set, another driver is chosen, or the text is no JSON
 * object. Pure.
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
  // JSON strings contain no line breaks, so spaces at the start of a line are always indentation.
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
    makeFolderSync(folder, { mode: 0o755 });
  } catch (error) {
    throw new AgentError("io_failed", `Cannot create the folder "${folder}"`, { cause: error });
  }
  await writeFileDurably(path, text, { mode: 0o644, log });
  log.info("Limited the size of logs", { path });
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new AgentError("io_failed", `Cannot read "${path}"`, { cause: error });
  }
}

async function folderExists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    // It is missing or unreadable: there is nothing to limit.
    return false;
  }
}
