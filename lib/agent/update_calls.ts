/** What areas and handlers tell of updates, on topics of the device. */

import { deviceUri } from "../backend/uris.ts";
import type { Device } from "../handlers/device.ts";
import type { OsUpdateDeps } from "../os_update/dependencies.ts";
import type { SelfUpdate } from "../self_update/self_update.ts";
import type { Wire } from "../wamp/wire.ts";

/** Publishes the progress of something on a topic below the prefix of the device. */
export type PublishProgress = (topic: string, progress: object) => void;

/** Progress that cannot be sent is no reason to end an update. */
export function progressPublisher(wire: Wire, serialNumber: string): PublishProgress {
  return (topic, progress) => void wire.publish(deviceUri(serialNumber, topic), [progress]).catch(() => {});
}

/** The calls of the agent's own updates. */
export function selfUpdateCalls(selfUpdate: SelfUpdate, publish: PublishProgress): Device["selfUpdate"] {
  return {
    readLatestVersion: () => selfUpdate.readLatestVersion(),
    lastUpdate: () => selfUpdate.lastUpdate(),
    update: () => selfUpdate.update({ onProgress: (progress) => publish("agent_update_progress", progress) }),
  };
}

/** What updates of the operating system report. */
export function osUpdateReports(publish: PublishProgress): Pick<OsUpdateDeps, "onDownload" | "onInstall"> {
  return {
    onDownload: (progress) => publish("download_os_update_progress", progress),
    onInstall: ({ step, percent }) => {
      publish("install_os_update_progress", { operationName: step, progressPercent: percent });
    },
  };
}

/** Why the operating system must not be updated at this moment. Pure. */
export function reasonToWait(
  { apps, isAgentUpdating }: { apps: readonly string[]; isAgentUpdating: boolean },
): string | undefined {
  if (isAgentUpdating) return "the agent is being updated";
  const names = apps.slice(0, 3).map((name) => JSON.stringify(name)).join(", ");
  return apps.length === 0 ? undefined : `apps are in transition or on probation: ${names}`;
}
