/** What handlers call of the agent's own updates and of those of the operating system, with progress on topics. */

import { deviceUri } from "../backend/uris.ts";
import type { Device } from "../handlers/device.ts";
import type { OsUpdate } from "../os_update/os_update.ts";
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

/** The calls of updates of the operating system. */
export function osUpdateCalls(osUpdate: OsUpdate, publish: PublishProgress): Device["osUpdate"] {
  return {
    readReleases: () => osUpdate.readReleases(),
    download: () => osUpdate.download({ onProgress: (progress) => publish("download_os_update_progress", progress) }),
  };
}
