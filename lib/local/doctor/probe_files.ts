/** Looks at the agent's own files. Changes nothing. */

import { messageOf } from "../../base/errors.ts";
import { type DeviceConfig, readFlock } from "../../config/flock.ts";
import type { Flags } from "../../flags.ts";
import { readDisk } from "../../host/disk_space.ts";
import type { AgentFacts } from "../agent_facts.ts";
import type { ConfigProbe, DatabaseProbe, DiskProbe, DoctorFacts, LooseRight } from "./doctor_facts.ts";
import type { ProbeSite } from "./probe_site.ts";

const configLimitBytes = 4 * 1024 * 1024;
/** A bigger one would take longer to check than anybody waits. */
const databaseLimitBytes = 512 * 1024 * 1024;

/** Reads the `.flock` file. Never throws. */
export async function probeConfig(
  flags: Flags,
  agent: AgentFacts | undefined,
): Promise<{ probe: ConfigProbe; values: DeviceConfig | undefined }> {
  const path = flags.config || agent?.paths.config || "";
  if (path === "") return { probe: { kind: "unnamed" }, values: undefined };
  try {
    const { size, isFile } = await Deno.stat(path);
    if (!isFile || size > configLimitBytes) {
      return { probe: { kind: "broken", path, reason: "it is no file of a sensible size" }, values: undefined };
    }
    const read = readFlock((await Deno.readTextFile(path)).replace(/^\ufeff/, ""));
    if (read.kind === "broken") return { probe: { kind: "broken", path, reason: read.reason }, values: undefined };
    const { missing, wrongTypes, config } = read.flock;
    return { probe: { kind: "read", path, missing, wrongTypes }, values: config };
  } catch {
    // There is none, or this user may not read it.
    return { probe: { kind: "missing", path }, values: undefined };
  }
}

/** Looks at every page of the database, without changing it. */
export async function probeDatabase(path: string): Promise<DatabaseProbe> {
  try {
    const { size } = await Deno.stat(path);
    if (size > databaseLimitBytes) return { kind: "unchecked", why: `"${path}" is too big to be checked` };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { kind: "absent", path };
    return { kind: "unchecked", why: `"${path}" cannot be read: ${messageOf(error)}` };
  }
  // Loaded here, because the other probes need no database.
  const { checkPagesOf } = await import("../../store/check_pages.ts");
  const found = checkPagesOf(path);
  switch (found.kind) {
    case "sound":
      return found;
    case "damaged":
      return { ...found, path };
    case "unchecked":
      return { kind: "unchecked", why: `"${path}": ${found.reason}` };
  }
}

/** The file systems that the agent needs, each once. */
export async function probeDisks({ flags }: ProbeSite, engineRoot: string | undefined): Promise<DiskProbe[]> {
  const found = new Map<number, DiskProbe>();
  for (const path of [engineRoot, flags.agentDir, flags.appsDir]) {
    if (path === undefined) continue;
    const info = await Deno.stat(path).catch(() => undefined);
    const disk = info && await readDisk(path);
    if (info === undefined || disk === undefined || found.has(info.dev)) continue;
    found.set(info.dev, { path, isEngine: path === engineRoot, ...disk });
  }
  return [...found.values()];
}

/** Looks for rights of others. What is not there yet has none. */
export async function probePermissions({ flags }: ProbeSite): Promise<DoctorFacts["permissions"]> {
  const writable = 0o022;
  const any = 0o077;
  const looked: [path: string, forbidden: number][] = [
    [flags.agentDir, writable],
    [flags.appsDir, any],
    [flags.config, any & 0o007],
    [flags.dbFileName, any],
    [flags.logFile, any],
  ];
  const loose: LooseRight[] = [];
  let isRoot = Deno.uid() === 0 || Deno.build.os === "windows";
  for (const [path, forbidden] of looked) {
    if (path === "") continue;
    try {
      const { mode, uid } = await Deno.stat(path);
      if (mode === null || uid === null) continue;
      if (uid !== 0 && uid !== Deno.uid()) loose.push({ path, problem: `belongs to user ${uid}` });
      if ((mode & forbidden & 0o022) !== 0) loose.push({ path, problem: "can be changed by others" });
      else if ((mode & forbidden) !== 0) loose.push({ path, problem: "can be read by others" });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) isRoot = false;
    }
  }
  return { kind: "looked", isRoot, loose };
}
