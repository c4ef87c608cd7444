/** Takes what Studio wants of an app. */

import type { Reply } from "../wamp/session.ts";
import type { HandlerParts } from "./device.ts";
import type { Call } from "./procedure.ts";

/** `request_app_state`: answers once the wish is stored; the work goes on in the background. Only keyword arguments count. */
export async function requestAppState(parts: HandlerParts, _input: void, { kwargs, signal }: Call): Promise<Reply> {
  await parts.requestAppState(kwargs, signal);
  return {};
}
