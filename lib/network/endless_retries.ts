/** Lets saved profiles be retried for ever: see `withEndlessRetries()`. */

import { textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { NetworkManagerProxy, SavedProfile } from "../dbus/network_manager.ts";
import { profileText, withEndlessRetries } from "./profiles.ts";

/** Updates the profiles that need it. One that cannot be updated is logged and left. Throws when none can be listed. */
export async function retryProfilesForever(
  { manager, log }: { manager: NetworkManagerProxy; log: Log },
  signal: AbortSignal,
): Promise<void> {
  for (const profile of await manager.listProfiles(signal)) {
    const settings = withEndlessRetries(profile);
    if (settings !== undefined) await update({ profile: { ...profile, settings }, manager, log }, signal);
  }
}

async function update(
  { profile, manager, log }: { profile: SavedProfile; manager: NetworkManagerProxy; log: Log },
  signal: AbortSignal,
): Promise<void> {
  const name = profileText(profile, ["connection", "id"]);
  try {
    await manager.updateProfile(profile, signal);
    log.info("A network profile is retried for ever", { profile: name });
  } catch (error) {
    signal.throwIfAborted();
    log.warn("Cannot let a network profile be retried for ever", { profile: name, error: textOf(error) });
  }
}
