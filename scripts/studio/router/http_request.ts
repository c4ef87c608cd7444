/** What the Studio's servers look at in a request before they answer it. */

import type { IncomingMessage } from "node:http";
import { refusePage } from "../../../lib/http/web_request.ts";

/** A header by its lower-case name; undefined when it is absent. */
export function readHeader({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join() : value;
}

/**
 * Why a request is refused; undefined when it is not. The address at which it has arrived and `names` are the server's
 * own, besides those of loopback.
 */
export function refuseRequest(request: IncomingMessage, names: readonly string[] = []): string | undefined {
  const arrivedAt = request.socket.localAddress?.replace(/^::ffff:/, "") ?? "";
  const own = [arrivedAt, ...names].map((name) => name.includes(":") ? `[${name}]` : name);
  return refusePage((name) => readHeader(request, name), own);
}
