/** Terminals in containers and on the device. */

import { AgentError } from "../base/errors.ts";
import { isDict } from "../base/json.ts";
import { readContainerName } from "../model/container_names.ts";
import type { Reply } from "../wamp/invocations.ts";
import type { Device } from "./device.ts";
import type { Call } from "./procedure.ts";

/** Reads `[{containerName}]`; the engine's slash in front of a name is dropped. */
export function decodeTerminalRequest({ args }: Call): string {
  const [request] = args;
  if (request === undefined || request === null) throw new AgentError("bad_request", "no args found");
  if (!isDict(request)) throw new AgentError("bad_request", "failed to parse payload");
  const name = request["containerName"];
  if (typeof name !== "string") throw new AgentError("bad_request", "failed to parse containerName");
  const container = readContainerName(name);
  if (container === undefined) throw new AgentError("container_missing", "container not found");
  return container;
}

/** Reads `[{sessionID}]`; a `registrationID` of older viewers means nothing. */
export function decodeTerminalSession({ args }: Call): string {
  const [request] = args;
  if (request === undefined || request === null) {
    throw new AgentError("bad_request", "failed to parse args, payload is missing");
  }
  if (!isDict(request)) throw new AgentError("bad_request", "failed to parse payload");
  const id = request["sessionID"];
  if (typeof id !== "string") throw new AgentError("bad_request", "failed to parse sessionID");
  return id;
}

/** `request_terminal_session`: a shell in a container, whose output waits. */
export async function requestTerminalSession(device: Device, name: string, { caller, signal }: Call): Promise<Reply> {
  return { args: [await device.terminals.request(name, ownerOfTerminal(caller), signal)] };
}

/** `start_terminal_session` */
export async function startTerminalSession(device: Device, sessionId: string, { caller }: Call): Promise<Reply> {
  await device.terminals.start(sessionId, caller);
  return {};
}

/** `stop_terminal_session` */
export async function stopTerminalSession(device: Device, sessionId: string, { caller }: Call): Promise<Reply> {
  await device.terminals.stop(sessionId, caller);
  return {};
}

/** `init_device_terminal`: the caller's shell on the device. */
export async function initDeviceTerminal(device: Device, _input: void, { caller }: Call): Promise<Reply> {
  return { args: [await device.terminals.openDevice(ownerOfTerminal(caller))] };
}

/** Nobody passes the check of privileges without a name. */
function ownerOfTerminal(caller: string | undefined): string {
  if (caller === undefined) throw new AgentError("denied", "insufficient privileges to start a terminal session");
  return caller;
}
