/** The logs of apps, and that of the agent. */

import { AgentError } from "../base/errors.ts";
import { type Dict, isDict } from "../base/json.ts";
import { utcSecondsText } from "../base/rfc3339.ts";
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

/** Reads `[{…}]?`. */
export function decodeOwnLogRequest({ args }: Call): Dict {
  const request = args.length === 0 ? {} : args[0];
  if (!isDict(request)) throw new AgentError("bad_request", "first param should be a dict");
  return request;
}

/** `query_app_logs`: a part of the stored log of an app, by number and time. */
export async function queryAppLogs(device: Device, channel: string, { args, signal }: Call): Promise<Reply> {
  const { readAppLogQuery } = await import("./log_arguments.ts");
  const nowMs = device.host.wall().getTime();
  const found = await device.logs.query(readAppLogQuery(args[0], { channel, nowMs }), signal);
  return {
    args: [{
      lines: found.lines,
      source: found.source,
      returned: found.lines.length,
      truncated: found.truncated,
      device_time: utcSecondsText(nowMs),
      ...(found.oldestAvailable === undefined ? {} : { oldest_available: found.oldestAvailable }),
    }],
  };
}

/** `query_device_logs`: a part of the agent's own log, by number, time and level. */
export async function queryDeviceLogs(device: Device, request: Dict, { signal }: Call): Promise<Reply> {
  const { readOwnLogQuery } = await import("./log_arguments.ts");
  const nowMs = device.host.wall().getTime();
  const found = await device.logs.queryOwn(readOwnLogQuery(request, nowMs), signal);
  return {
    args: [{
      lines: found.lines,
      returned: found.lines.length,
      truncated: found.truncated,
      files_scanned: found.filesScanned,
      device_time: utcSecondsText(nowMs),
      ...(found.oldestAvailable === undefined ? {} : { oldest_available: found.oldestAvailable }),
    }],
  };
}
