/** What Studio wants of an app. */

import type { Reply } from "../wamp/invocations.ts";
import type { Device } from "./device.ts";
import type { Call } from "./procedure.ts";

/** `request_app_state`: answers once the request is stored; only keyword arguments count. */
export async function requestAppState(device: Device, _input: void, { kwargs, signal }: Call): Promise<Reply> {
  await device.apps.request(kwargs, signal);
  return {};
}
