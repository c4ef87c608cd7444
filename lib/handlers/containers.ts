/** Images and containers of the engine: lists and clean-up. */

import { fitFirst, fitNewest, noteOf } from "../backend/answer_size.ts";
import { AgentError } from "../base/errors.ts";
import { isDict } from "../base/json.ts";
import type { ImageSummary } from "../docker/decode.ts";
import type { Reply } from "../wamp/invocations.ts";
import type { Device } from "./device.ts";
import type { Call } from "./procedure.ts";

/**
 * `get_images`: one positional argument for each image, newest first; members that are zero or empty are left out. What
 * does not fit into a message is missing, and keyword arguments say so.
 */
export async function getImages(device: Device, _input: void, { signal }: Call): Promise<Reply> {
  const images = await device.engine.listImages(signal);
  const fitting = fitFirst(images.map(encodeImage));
  return { args: fitting.entries, ...noteOf(fitting) };
}

/**
 * `list_containers`: the engine's own list of all containers, newest first, as it is. What does not fit into a message
 * is missing, and keyword arguments say so.
 */
export async function listContainers(device: Device, _input: void, { signal }: Call): Promise<Reply> {
  const fitting = fitFirst(await device.engine.listContainersRaw(signal));
  return { args: [fitting.entries], ...noteOf(fitting) };
}

/** What `prune_images` is asked for. */
export interface PruneRequest {
  all: boolean;
}

/** Reads `[{all?: bool}]`; nothing at all stands for dangling images. */
export function decodePrune({ args }: Call): PruneRequest {
  const request = args[0] ?? {};
  if (!isDict(request)) throw new AgentError("bad_request", "first param should be a dict");
  const all = request["all"] ?? false;
  if (typeof all !== "boolean") {
    throw new AgentError("bad_request", "all value for container prune is not a boolean");
  }
  return { all };
}

/** `prune_images`: removes dangling images, or with `all` everything unused, volumes included. */
export async function pruneImages(device: Device, { all }: PruneRequest, { signal }: Call): Promise<Reply> {
  const output = await device.diskSpace.prune({ all }, signal);
  return output === undefined ? {} : { args: [fitNewest(output.split("\n")).join("\n")] };
}

function encodeImage(image: ImageSummary): Record<string, unknown> {
  const { created, containers, sharedSize, virtualSize, id, labels, size, repoTags } = image;
  const members = { created, containers, sharedSize, virtualSize, id, labels, size, repoTags };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === 0 || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
