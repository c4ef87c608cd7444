/**
 * The logins of the registry: devices may pull, and push what they publish, with tokens from the Studio; the pusher may
 * push.
 */

import { listDeviceApps } from "./device_apps.ts";
import { deviceByKey } from "./devices.ts";
import { repositoryOf } from "./releases.ts";
import { numberColumn, randomText, type Store } from "./store.ts";
import type { AllowedActions, TokenRequest } from "./token_server.ts";

/** The user for pushing images; its password is a setting. */
export const pusherUser = "pusher";

/** Engines store the login of compose apps, so it must last. */
const tokenLifeMs = 7 * 24 * 3_600_000;

/** Issues a registry token for an account on a device. Secret. */
export function mintRegistryToken(store: Store, owner: { accountKey: number; deviceKey: number }): string {
  store.run("DELETE FROM registry_tokens WHERE expires_ms < ?", Date.now());
  const token = `studio-${randomText()}`;
  store.run(
    "INSERT INTO registry_tokens VALUES (?, ?, ?, ?)",
    token,
    owner.accountKey,
    owner.deviceKey,
    Date.now() + tokenLifeMs,
  );
  return token;
}

/** The pusher's password. Secret. */
export function pusherPassword(store: Store): string {
  return store.setting("pusher_password", () => randomText());
}

/** The actions that a login may perform; false when it is invalid. A device's password is its secret. */
export function checkLogin(store: Store, login: TokenRequest): AllowedActions {
  if (login.user === pusherUser) return login.password === pusherPassword(store);
  const text = "SELECT device_key FROM registry_tokens WHERE token = ? AND expires_ms >= ?";
  const row = store.first(text, login.user, Date.now());
  if (row === undefined) return false;
  const deviceKey = numberColumn(row, "device_key");
  if (deviceByKey(store, deviceKey).secret !== login.password) return false;
  return isPublishing(store, deviceKey, login.repository) ? ["pull", "push"] : ["pull"];
}

/** A device may push the release of an app while the Studio wants it published there, and nothing else. */
function isPublishing(store: Store, deviceKey: number, repository: string | undefined): boolean {
  return repository !== undefined && listDeviceApps(store, deviceKey).some(({ appKey, appName, stage, target }) => {
    const own = repositoryOf({ appKey, name: appName });
    return stage === "DEV" && target === "PUBLISHED" && (repository === own || repository.startsWith(`${own}_`));
  });
}
