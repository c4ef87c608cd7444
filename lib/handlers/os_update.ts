/** Updates of the operating system. */

import type { Reply } from "../wamp/invocations.ts";
import type { Device } from "./device.ts";

/** `get_os_release`: the installed and the newest release; nothing on a system that does not have such updates. */
export async function getOsRelease({ osUpdate }: Device): Promise<Reply> {
  const releases = await osUpdate.readReleases();
  if (releases === undefined) return {};
  const { current, latest } = releases;
  const lastUpdate = await osUpdate.lastInstallation();
  const known = { currentRelease: wireRelease(current), latestRelease: wireRelease(latest) };
  return { args: [lastUpdate === undefined ? known : { ...known, lastUpdate }] };
}

/** `download_os_update`: answers when the bundle is on the disk. */
export async function downloadOsUpdate({ osUpdate }: Device): Promise<Reply> {
  await osUpdate.download();
  return {};
}

/** `install_os_update`: answers when the update is installed. It is used after the next restart of the device. */
export async function installOsUpdate({ osUpdate }: Device): Promise<Reply> {
  await osUpdate.install();
  return {};
}

function wireRelease({ name, version, buildTime }: { name: string; version: string; buildTime: string }) {
  return { Name: name, Version: version, BuildTime: buildTime };
}
