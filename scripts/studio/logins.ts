/** The logins of the registry: devices may pull with tokens from the Studio, the pusher may push. */

import { deviceByKey } from "./devices.ts";
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
  return deviceByKey(store, numberColumn(row, "device_key")).secret === login.password ? ["pull"] : false;
}
