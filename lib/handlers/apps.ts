/** What Studio wants of an app. */

import { AgentError } from "../base/errors.ts";
import { isCount, isDict, readNumber } from "../base/json.ts";
import { isStage } from "../model/app.ts";
import type { Reply } from "../wamp/invocations.ts";
import type { Device, HostPortRequest } from "./device.ts";
import type { Call } from "./procedure.ts";

/** `request_app_state`: answers once the request is stored; only keyword arguments count. */
export async function requestAppState(device: Device, _input: void, { kwargs, signal }: Call): Promise<Reply> {
  await device.apps.request(kwargs, signal);
  return {};
}

/** Reads `[{app_key, port, host_port, stage?, protocol?}]`; numbers may be text. */
export function decodeHostPort({ args }: Call): HostPortRequest {
  if (args.length === 0) throw new AgentError("bad_request", "arguments are missing");
  const [request] = args;
  if (!isDict(request)) throw new AgentError("bad_request", "first param should be a dict");
  const count = (name: string, least: 0 | 1): number => {
    const value = readNumber(request[name]);
    const kind = least === 0 ? "non-negative" : "positive";
    if (isCount(value) && value >= least) return value;
    throw new AgentError("bad_request", `the ${name} param should be a ${kind} whole number`);
  };
  const { stage, protocol } = request;
  return {
    app: { appKey: count("app_key", 1), stage: isStage(stage) ? stage : "PROD" },
    port: count("port", 1),
    hostPort: count("host_port", 0),
    // Rules spell it in any case.
    transport: typeof protocol === "string" && protocol.toLowerCase() === "udp" ? "udp" : "tcp",
  };
}

/** `check_host_port`: whether a rule could reserve a host port. */
export function checkHostPort(device: Device, question: HostPortRequest): Reply {
  return { args: [device.apps.checkHostPort(question)] };
}
