/** Asks the tunnel client on loopback. Not with `fetch()`, which would send it through the proxy of the environment. */

import { type IncomingMessage, request as sendRequest } from "node:http";
import { within } from "../async/deadline.ts";
import { AgentError, hasCode } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import { joinBytes } from "../base/lines.ts";
import type { AdminAccess } from "./client_config.ts";
import { decodeStatuses } from "./decode_status.ts";
import type { ProxyStatus } from "./tunnel_status.ts";

/** What the client answers. */
interface Answer {
  status: number;
  text: string;
}

/** How long an answer may take. */
export const adminAnswerMs = 5_000;

/** A status takes some 200 bytes. */
const adminAnswerBytes = 4 * 1024 * 1024;

/** Characters of a refusal that are passed on. */
const refusalChars = 500;

/**
 * Has the client read its configuration again. Throws `connect_failed` and `timeout` when it does not answer, and
 * `call_failed` with its words when it refuses the configuration.
 */
export async function reloadClient(access: AdminAccess, signal: AbortSignal): Promise<void> {
  const { status, text } = await ask(access, "/api/reload?strictConfig=true", signal);
  if (status === 200) return;
  const words = text.trim().slice(0, refusalChars);
  throw new AgentError("call_failed", `API returned status code: ${status}${words === "" ? "" : `: ${words}`}`);
}

/**
 * What the client reports of its proxies. Throws `connect_failed` and `timeout` when it does not answer, and
 * `call_failed` when it answers badly.
 */
export async function readClientStatus(
  access: AdminAccess & { serverHost: string },
  signal: AbortSignal,
): Promise<ProxyStatus[]> {
  const { status, text } = await ask(access, "/api/status", signal);
  if (status !== 200) throw new AgentError("call_failed", `API returned status code: ${status}`);
  const statuses = decodeStatuses(parseJson(text), access);
  if (statuses === undefined) throw new AgentError("call_failed", "Cannot read the status of the tunnel client");
  return statuses;
}

async function ask(access: AdminAccess, path: string, signal: AbortSignal): Promise<Answer> {
  const what = "Asking the tunnel client";
  try {
    return await within(adminAnswerMs, (within) => askOnce(access, path, within), { what, signal });
  } catch (error) {
    if (hasCode(error, "canceled", "timeout", "call_failed")) throw error;
    throw new AgentError("connect_failed", "The tunnel client does not answer", { cause: error });
  }
}

async function askOnce({ port, user, password }: AdminAccess, path: string, signal: AbortSignal): Promise<Answer> {
  const { promise: answer, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const auth = `${user}:${password}`;
  const sent = sendRequest({ host: "127.0.0.1", port, path, auth, agent: false, signal });
  sent.on("response", resolve).on("error", reject).end();
  const response = await answer;
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response) {
    parts.push(part);
    size += part.length;
    if (size <= adminAnswerBytes) continue;
    response.destroy();
    throw new AgentError("call_failed", `The tunnel client answers with more than ${adminAnswerBytes} bytes`);
  }
  return { status: response.statusCode ?? 0, text: new TextDecoder().decode(joinBytes(parts, size)) };
}
