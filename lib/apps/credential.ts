/** The credential with which an app logs in to the router: derived, so that device and backend agree without a call. Pure. */

import type { AppId } from "../base/app.ts";

/** What an app logs in with. */
export interface AppCredential {
  id: string;
  secret: string;
}

/**
 * The credential of an app. `key` is the device's own, as text exactly as received; `epoch` 0 stands for 1. Undefined while
 * the key, the serial number or the app key is missing.
 */
export async function appCredential(
  given: { key: string | undefined; serialNumber: string; app: AppId; epoch: number },
): Promise<AppCredential | undefined> {
  const { key, serialNumber, app: { appKey, stage } } = given;
  if (!key || serialNumber === "" || appKey === 0) return undefined;
  const epoch = given.epoch === 0 ? 1 : given.epoch;
  return {
    id: `app-${appKey}-${stage.toLowerCase()}-e${epoch}@${serialNumber}`,
    secret: await sign(key, `ironflock/app-cred/v1|${serialNumber}|${appKey}|${stage}|${epoch}`),
  };
}

/** HMAC-SHA256 in base64. The key looks like base64 and is not decoded. */
async function sign(key: string, message: string): Promise<string> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", encoder.encode(key), algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", imported, encoder.encode(message));
  return btoa(String.fromCharCode(...new Uint8Array(signature)));
}
