/** Builds on the device: the upload of what is to be built. */

import { AgentError } from "../base/errors.ts";
import { isCount } from "../base/json.ts";
import type { Reply } from "../wamp/invocations.ts";
import type { Device, UploadPart } from "./device.ts";
import type { Call } from "./procedure.ts";

/** Characters of an id or a name: more than any has. */
const textLimit = 512;

/** Reads `[chunk, fileName, containerName, total, id]`. */
export function decodeUploadPart({ args }: Call): UploadPart {
  const [chunk, fileName, containerName, total, id] = args;
  // In this order the wire contract has them.
  return {
    fileName: text(fileName, "name"),
    chunk: text(chunk, "chunk", Infinity),
    containerName: text(containerName, "containerName", textLimit),
    totalBytes: count(total, "total"),
    id: text(id, "id", textLimit),
  };
}

/** `write_data`: takes one part of an upload. */
export async function writeData(device: Device, part: UploadPart): Promise<Reply> {
  await device.apps.writeData(part);
  return {};
}

/** What all parts of an upload have in common: they are worked on in the order in which they have arrived. */
export function uploadOf(args: readonly unknown[]): string {
  const [, , containerName] = args;
  return typeof containerName === "string" ? containerName.slice(0, textLimit) : "";
}

function text(value: unknown, name: string, limit = 4 * textLimit): string {
  if (typeof value === "string" && value.length <= limit) return value;
  throw new AgentError("bad_request", `failed to parse ${name} argument`);
}

function count(value: unknown, name: string): number {
  if (isCount(value)) return value;
  throw new AgentError("bad_request", `failed to parse ${name} argument`);
}
