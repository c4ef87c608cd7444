/** The engine's calls about the networks of compose projects. */

import { allow } from "../base/errors.ts";
import { dictField, listField, textField } from "./decode.ts";
import { type EngineTransport, pathPart } from "./engine_transport.ts";
import { labelQuery } from "./volumes.ts";

/** The ids of the networks that have all of these labels. */
export async function listNetworks(
  transport: EngineTransport,
  labels: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string[]> {
  const request = { method: "GET", path: "/networks", query: labelQuery(labels) } as const;
  const answer = listField(await transport.readJson(request, { what: "Listing networks", signal }));
  return answer.map((network) => textField(dictField(network).Id)).filter((id) => id !== "");
}

/** Removes a network. A missing one is fine. Throws `network_in_use` while containers are connected to it. */
export async function removeNetwork(transport: EngineTransport, id: string, signal: AbortSignal): Promise<void> {
  const request = { method: "DELETE", path: `/networks/${pathPart(id)}` } as const;
  const options = { what: `Removing network "${id}"`, signal, missing: "network_missing" } as const;
  await allow(transport.read(request, options).then(() => {}), "network_missing");
}
