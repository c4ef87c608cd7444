/** `os …`: the operating system of a device, and its updates. */

import { textOf } from "../../../lib/base/errors.ts";
import { type Dict, isDict } from "../../../lib/base/json.ts";
import type { Arguments } from "./arguments.ts";
import { type CalledDevice, reachDevice } from "./called_device.ts";
import { type Command, connect, type Context, memberText } from "./command.ts";

/** How long a download and an installation may take together, unless told otherwise. */
const osUpdateSeconds = 3_600;

/** The commands. */
export const systemUpdateCommands: readonly Command[] = [
  {
    name: "os show",
    usage: "<device> [--as ACCOUNT]",
    summary: "Show the release of a device's operating system, the newest one, and how the latest update ended",
    options: { as: "one" },
    least: 1,
    most: 1,
    run: showReleases,
  },
  {
    name: "os update",
    usage: `<device> [--as ACCOUNT] [--wait ${osUpdateSeconds}]`,
    summary: "Download and install the update of a device's operating system; call system_reboot to use it",
    options: { as: "one", wait: "one" },
    least: 1,
    most: 1,
    run: updateSystem,
  },
];

async function showReleases(context: Context, args: Arguments): Promise<number> {
  await using server = await connect(context);
  await using device = await reachDevice(server, args);
  const [releases] = (await device.session.call(device.uri("get_os_release"))).args;
  if (!isDict(releases)) {
    context.print(`${args.word(0)} has an operating system without such updates`);
    return 0;
  }
  const { currentRelease, latestRelease, lastUpdate } = releases;
  context.print(`installed  ${releaseText(currentRelease)}`);
  context.print(`newest     ${releaseText(latestRelease)}`);
  if (isDict(lastUpdate)) {
    context.print(`update     ${textOfMembers(lastUpdate, ["bundle", "outcome", "why"])}`);
  }
  return 0;
}

async function updateSystem(context: Context, args: Arguments): Promise<number> {
  const endsAtMs = performance.now() + args.count("wait", osUpdateSeconds) * 1_000;
  await using server = await connect(context);
  await using device = await reachDevice(server, args);
  await showProgress(context, device);
  for (const name of ["download_os_update", "install_os_update"]) {
    await device.session.call(device.uri(name), [], { timeoutMs: Math.max(endsAtMs - performance.now(), 1) });
  }
  context.print(`The update is installed; use it with: call ${args.word(0)} system_reboot`);
  return 0;
}

async function showProgress(context: Context, { session, uri }: CalledDevice): Promise<void> {
  try {
    await session.subscribe(uri("download_os_update_progress"), printDownload(context));
    await session.subscribe(uri("install_os_update_progress"), ({ args: [progress] }) => {
      if (!isDict(progress)) return;
      context.print(
        `${memberText(progress, "progressPercent").padStart(3)} % ${memberText(progress, "operationName")}`,
      );
    });
  } catch (error) {
    // Who may update a device need not be one who may read from it.
    context.printError(`Progress is not shown: ${textOf(error)}`);
  }
}

/** Prints a line for every tenth. */
function printDownload(context: Context): (event: { args: readonly unknown[] }) => void {
  let printed = -1;
  return ({ args: [progress] }) => {
    if (!isDict(progress)) return;
    const [doneBytes, totalBytes] = [Number(progress.currentBytes), Number(progress.fileSize)];
    const tenth = Math.floor(10 * doneBytes / totalBytes);
    if (!Number.isFinite(tenth) || tenth === printed) return;
    printed = tenth;
    context.print(`${String(tenth * 10).padStart(3)} % of ${totalBytes} bytes`);
  };
}

function releaseText(release: unknown): string {
  return isDict(release) ? textOfMembers(release, ["Name", "Version", "BuildTime"]) || "unknown" : "unknown";
}

function textOfMembers(dict: Dict, names: readonly string[]): string {
  return names.map((name) => memberText(dict, name)).filter((text) => text !== "").join("  ");
}
