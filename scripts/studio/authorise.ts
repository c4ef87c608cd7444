/** Says what each user of the Studio's own router may do. Devices act for themselves, accounts act on devices. */

import { holds } from "./accounts.ts";
import { deviceByAuthid } from "./devices.ts";
import type { Authorise } from "./router/router.ts";
import { numberColumn, type Store } from "./store.ts";

/**
 * `system` may do everything. A device calls the backend, and registers, publishes and subscribes below its own serial number.
 * An account reaches the devices on which it holds any privilege (the device itself asks for more) and may change apps with
 * MAINTAIN. Nobody else calls `studio.…` or takes the place of the backend or a device.
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
