/** Takes what Studio wants of an app. */

import type { Reply } from "../wamp/invocations.ts";
import type { Device } from "./device.ts";
import type { Call } from "./procedure.ts";

/** `request_app_state`: answers once the wish is stored; the work goes on in the background. Only keyword arguments count. */
export async function requestAppState(device: Device, _input: void, { kwargs, signal }: Call): Promise<Reply> {
  await device.apps.request(kwargs, signal);
  return {};
}
