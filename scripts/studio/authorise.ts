/** Authorizes the users of the Studio's own router: devices act for themselves, accounts act on devices. */

import { holds } from "./accounts.ts";
import { deviceByAuthid } from "./devices.ts";
import type { Authorise } from "./router/realm.ts";
import { numberColumn, type Store } from "./store.ts";

/**
 * `system` may do everything. A device may call the backend, and register, publish and subscribe below its own serial
 * number. An account may call the devices on which it has any privilege (the device itself checks the details), and may
 * change apps with MAINTAIN. Only `system` may call `studio.…`, and nobody may register for the backend or a device.
 */
export function authoriseWith(store: Store): Authorise {
  return ({ session: { authid, authrole }, action, uri }) => {
    if (authrole === "system") return true;
    if (uri.startsWith("wamp.")) return action === "call" || action === "subscribe";
    if (authrole === "account") return mayAccount(store, authid, { action, uri });
    if (action === "call") return uri.startsWith("reswarm.") || uri.startsWith("re.tunnel.");
    const serial = deviceByAuthid(store, authid)?.serial;
    if (serial === undefined) return false;
    if (uri.startsWith(`re.mgmt.${serial}.`) || uri.startsWith(`reswarm.logs.${serial}.`)) return true;
    return action === "subscribe" && uri.startsWith("reswarm.device.");
  };
}

function mayAccount(store: Store, authid: string, { action, uri }: { action: string; uri: string }): boolean {
  const [, serial, name] = /^(?:re\.mgmt|reswarm\.logs)\.([^.]+)\.(.+)$/.exec(uri) ?? [];
  if (serial === undefined) return !/^(re|reswarm|studio)\./.test(uri);
  if (action === "register") return false;
  const deviceKey = numberColumn(store.first("SELECT device_key FROM devices WHERE serial = ?", serial), "device_key");
  const isAppRequest = action === "call" && name === "request_app_state";
  return holds(store, Number(authid), { deviceKey, ...(isAppRequest ? { privilege: "MAINTAIN" } : {}) });
}
