/** The engine's calls about the volumes of apps. */

import { hasCode } from "../base/errors.ts";
import { dictField, listField, textField } from "./decode.ts";
import { type EngineTransport, pathPart } from "./engine_transport.ts";

/** The query of a list for what has all of these labels. */
export function labelQuery(labels: Readonly<Record<string, string>>): Record<string, string> {
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return { filters: JSON.stringify({ label }) };
}

/** The names of the volumes that have all of these labels. */
export async function listVolumes(
  transport: EngineTransport,
  labels: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string[]> {
  const request = { method: "GET", path: "/volumes", query: labelQuery(labels) } as const;
  const answer = dictField(await transport.readJson(request, { what: "Listing volumes", signal }));
  return listField(answer.Volumes).map((volume) => textField(dictField(volume).Name)).filter((name) => name !== "");
}

/** Removes a volume with its data. A missing one is fine. Throws `volume_in_use`. */
export async function removeVolume(transport: EngineTransport, name: string, signal: AbortSignal): Promise<void> {
  const request = { method: "DELETE", path: `/volumes/${pathPart(name)}` } as const;
  const options = { what: `Removing volume "${name}"`, signal, missing: "volume_missing" } as const;
  try {
    await transport.read(request, options);
  } catch (error) {
    if (!hasCode(error, "volume_missing")) throw error;
  }
}
