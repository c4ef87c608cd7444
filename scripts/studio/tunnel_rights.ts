/** Decides which tunnels the tunnel server may open for whom. */

import { createHmac, timingSafeEqual } from "node:crypto";
import { type Dict, isCount, isDict } from "../../lib/base/json.ts";
import { type Device, listDevices } from "./devices.ts";
import { hasPort } from "./exposed_ports.ts";
import type { Store } from "./store.ts";

/** Why a request of the tunnel server is refused; undefined when it is not. `op` is `Login` or `NewProxy`. */
export function refuseTunnel(store: Store, { op, content }: { op: unknown; content: unknown }): string | undefined {
  if (!isDict(content)) return "the request has no content";
  const device = deviceOf(store, op === "Login" ? content : isDict(content.user) ? content.user : {});
  if (device === undefined) return "the proof is not that of a device";
  return op === "Login" ? undefined : refuseProxy(store, device, content);
}

/** What a device proves itself with. Secret. */
export function proofOf({ secret, deviceKey }: Pick<Device, "secret" | "deviceKey">): string {
  return createHmac("sha256", secret).update(`tunnel-authz:v1:${deviceKey}`).digest("base64url");
}

function deviceOf(store: Store, { metas }: Dict): Device | undefined {
  const proof = isDict(metas) && typeof metas.tunnel_proof === "string" ? metas.tunnel_proof : "";
  return listDevices(store).find((device) => isSame(proofOf(device), proof));
}

/** Names begin with the key of their device, and ports of the server are those that were granted to it. */
function refuseProxy(store: Store, { deviceKey }: Device, content: Dict): string | undefined {
  const { proxy_name: name, proxy_type: protocol, subdomain = "", custom_domains: domains, remote_port: port } =
    content;
  const isOwn = (text: unknown) => typeof text === "string" && new RegExp(`^(secure-)?${deviceKey}-`).test(text);
  if (!isOwn(name)) return "the name is not one of this device";
  if (protocol === "http" || protocol === "https") {
    return isOwn(subdomain) && !domains ? undefined : "the subdomain is not one of this device";
  }
  if (protocol !== "tcp" && protocol !== "udp") return "there are tunnels for http, https, tcp and udp only";
  const isGranted = isCount(port) && hasPort(store, deviceKey, { port, protocol });
  return isGranted ? undefined : "the port was not granted to this device";
}

function isSame(one: string, other: string): boolean {
  const [left, right] = [new TextEncoder().encode(one), new TextEncoder().encode(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
