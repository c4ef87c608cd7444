/** What the measurements of the agent are made from. */

import type { Apps } from "../apps/apps.ts";
import { readDisk } from "../host/disk_space.ts";
import type { AgentMeasures } from "../telemetry/agent_readings.ts";
import type { Site } from "./site.ts";

/** Reads them. Never throws. */
export async function readMeasures({ foundation, connection: { link } }: Site, apps: Apps): Promise<AgentMeasures> {
  const { options: { paths }, clock } = foundation;
  const heardAt = link?.lastTrafficAt();
  const folders = [...new Set([paths.agentDir, paths.appsDir])];
  const disks = await Promise.all(folders.map(async (path) => ({ path, disk: await readDisk(path) })));
  return {
    isConnected: link?.isConnected ?? false,
    silenceSeconds: heardAt === undefined ? undefined : (clock.now() - heardAt) / 1000,
    waitingBytes: link?.waitingBytes() ?? 0,
    appStates: apps.list().map(({ state }) => state),
    disks: disks.flatMap(({ path, disk }) => disk === undefined ? [] : [{ path, ...disk }]),
  };
}
