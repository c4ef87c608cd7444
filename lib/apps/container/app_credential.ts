/** The credential with which an app logs in to the router: derived, so that device and backend need no call. Pure. */

import { createHmac } from "node:crypto";
import type { AppId } from "../../model/app.ts";

/** The login of an app. */
export interface AppCredential {
  id: string;
  secret: string;
}

/**
 * The credential of an app. `key` is the device's own, as text exactly as received; `epoch` 0 stands for 1. Undefined
 * while the key, the serial number or the app key is missing.
 */
export function appCredential(
  options: { key: string | undefined; serialNumber: string; app: AppId; epoch: number },
): AppCredential | undefined {
  const { key, serialNumber, app: { appKey, stage } } = options;
  if (!key || serialNumber === "" || appKey === 0) return undefined;
  const epoch = options.epoch === 0 ? 1 : options.epoch;
  return {
    id: `app-${appKey}-${stage.toLowerCase()}-e${epoch}@${serialNumber}`,
    secret: sign(key, `ironflock/app-cred/v1|${serialNumber}|${appKey}|${stage}|${epoch}`),
  };
}

/** HMAC-SHA256 in base64. The key looks like base64 but is not decoded. WebCrypto would take memory for each key. */
function sign(key: string, message: string): string {
  return createHmac("sha256", key).update(message).digest("base64");
}
