/** Does what a change consists of, and what undoes it: the effects of `guarded_changes.ts`. All can be done again. */

import type { Clock } from "../async/clock.ts";
import { AgentError } from "../base/errors.ts";
import { isMethodMissing } from "../dbus/bus_errors.ts";
import type { NetworkDevice, NetworkManagerProxy, SavedProfile } from "../dbus/network_manager.ts";
import type { ChangeRecord, Undo } from "./change_record.ts";
import { withIpv4 } from "./ipv4.ts";
import { profileSsid, profileText, wifiType } from "./profiles.ts";
import { isSameSsid } from "./ssid.ts";
import { wrongPasswordText } from "./wifi_profile.ts";

/** What it needs. */
export interface SwitchOverDeps {
  manager: NetworkManagerProxy;
  clock: Pick<Clock, "sleep">;
}

const activationPollMs = 250;

/** States of an active connection. */
const activeStates = { activated: 2, deactivated: 4 };

const preparingState = 40;
const failedState = 120;

/** Reasons of a device's state that stand for a password that was not accepted. */
const passwordReasons = [7, 8, 9, 10, 11];

/** How a WPA3 network that refuses a password looks to NetworkManager: as if it were not there. */
const notFoundReason = 53;

const refusedText = "the network is there, but did not let the device in: the wifi password may be wrong";

/** Makes the change and waits until it is in effect. Throws when NetworkManager reports that it did not work. */
export async function switchOver(deps: SwitchOverDeps, record: ChangeRecord, signal: AbortSignal): Promise<void> {
  const { manager } = deps;
  const how = record.switchOver;
  if (how.kind === "reload") return await manager.reload(signal);
  const profile = await findProfile(manager, record.profile, signal);
  if (how.kind === "delete") {
    return profile === undefined ? undefined : await manager.deleteProfile(profile.path, signal);
  }
  const device = await findDevice(manager, record.interfaceName, signal);
  if (profile === undefined || device === undefined) throw new AgentError("not_available", "not found");
  const accessPoints = how.accessPointMac === undefined ? [] : await manager.listAccessPoints(device.path, signal);
  const accessPoint = accessPoints.find(({ mac }) => mac === how.accessPointMac);
  await activate(deps, { profile, device, specificObject: accessPoint?.path }, signal);
}

/** Returns to what was there before, without NetworkManager's help. Throws when that does not work either. */
export async function undoChange(
  deps: SwitchOverDeps,
  { undo, interfaceName }: { undo: Undo; interfaceName: string },
  signal: AbortSignal,
): Promise<void> {
  const { manager } = deps;
  const profile = await findProfile(manager, undo.profile, signal);
  const device = await findDevice(manager, interfaceName, signal);
  if (profile === undefined) throw new AgentError("not_available", "the profile that was in use is gone");
  if (undo.ipv4 !== undefined) {
    await manager.updateProfile({ path: profile.path, settings: withIpv4(profile, undo.ipv4) }, signal);
  }
  if (device !== undefined) await activate(deps, { profile, device, specificObject: undefined }, signal);
}

interface Use {
  profile: SavedProfile;
  device: NetworkDevice;
  specificObject: string | undefined;
}

async function activate(deps: SwitchOverDeps, use: Use, signal: AbortSignal): Promise<void> {
  const failure: Failure = { reason: undefined };
  await using _watch = await deps.manager.watchDevice(use.device.path, (state, reason) => {
    // An attempt of NetworkManager itself may have failed just before.
    if (state === preparingState) failure.reason = undefined;
    if (state === failedState) failure.reason = reason;
  });
  await activateWatched(deps, { ...use, failure }, signal);
}

/** Why the device has failed, once it has. */
interface Failure {
  reason: number | undefined;
}

async function activateWatched(
  { manager, clock }: SwitchOverDeps,
  { profile, device, specificObject, failure }: Use & { failure: Failure },
  signal: AbortSignal,
): Promise<void> {
  const request = { profile: profile.path, device: device.path };
  const active = await manager.activate(
    specificObject === undefined ? request : { ...request, specificObject },
    signal,
  );
  while (true) {
    const state = await readActiveState(manager, active, signal);
    if (state === activeStates.activated) return;
    const { state: deviceState, reason } = await manager.readDevice(device.path, signal);
    if (state === undefined || state === activeStates.deactivated || deviceState === failedState) {
      const why = failure.reason ?? reason;
      const isInTheAir = why === notFoundReason && await isSeen(manager, { profile, device }, signal);
      throw new AgentError("not_connected", activationFailure(profile, { reason: why, isInTheAir }));
    }
    await clock.sleep(activationPollMs, signal);
  }
}

async function readActiveState(
  manager: NetworkManagerProxy,
  path: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    return (await manager.readActive(path, signal)).state;
  } catch (error) {
    if (isMethodMissing(error)) return undefined;
    throw error;
  }
}

function activationFailure(
  profile: SavedProfile,
  { reason, isInTheAir }: { reason: number; isInTheAir: boolean },
): string {
  const isWifi = profileText(profile, ["connection", "type"]) === wifiType;
  if (isWifi && passwordReasons.includes(reason)) return wrongPasswordText;
  if (isInTheAir) return refusedText;
  return `NetworkManager could not connect with the new settings (reason ${reason})`;
}

/** Whether the network of a profile is in the air. */
async function isSeen(
  manager: NetworkManagerProxy,
  { profile, device }: Pick<Use, "profile" | "device">,
  signal: AbortSignal,
): Promise<boolean> {
  const ssid = profileSsid(profile);
  if (ssid === undefined) return false;
  return (await manager.listAccessPoints(device.path, signal)).some((point) => isSameSsid(point.ssid, ssid));
}

async function findProfile(
  manager: NetworkManagerProxy,
  uuid: string,
  signal: AbortSignal,
): Promise<SavedProfile | undefined> {
  return (await manager.listProfiles(signal)).find((profile) => profileText(profile, ["connection", "uuid"]) === uuid);
}

async function findDevice(
  manager: NetworkManagerProxy,
  name: string,
  signal: AbortSignal,
): Promise<NetworkDevice | undefined> {
  return (await manager.listDevices(signal)).find(({ interfaceName }) => interfaceName === name);
}
