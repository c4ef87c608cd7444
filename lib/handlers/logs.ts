/** The logs of apps. */

import { AgentError } from "../base/errors.ts";
import { isDict } from "../base/json.ts";
import type { Reply } from "../wamp/invocations.ts";
import type { Device } from "./device.ts";
import type { Call } from "./procedure.ts";

/** Characters of a container's name: more than that of any app has. */
const nameLimit = 512;

/** Reads `[{containerName}]`. */
export function decodeContainerName({ args }: Call): string {
  const [request] = args;
  if (request === undefined || request === null) throw new AgentError("bad_request", "arguments are missing");
  if (!isDict(request)) throw new AgentError("bad_request", "first param should be a dict");
  const name = request["containerName"];
  if (typeof name !== "string") throw new AgentError("bad_request", "invalid value for containerName");
  if (name.length > nameLimit) throw new AgentError("bad_request", "invalid container name");
  if (name.trim() === "") throw new AgentError("bad_request", "container name is empty");
  return name;
}

/** `get_app_log_history`: one flat list of the last lines, oldest first; viewers iterate over it as it is. */
export async function getAppLogHistory(device: Device, channel: string, { signal }: Call): Promise<Reply> {
  return { args: [await device.logs.readHistory(channel, signal)] };
}
