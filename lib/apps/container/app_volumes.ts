/**
 * The volumes that the image of an app declares. Each has a name that follows from app and path, so every container of
 * the app gets the same ones, whatever has happened in between; the data of an app outlives its containers. Pure.
 */

import type { AppId } from "../../model/app.ts";
import { isDict } from "../../base/json.ts";
import { volumeLabels } from "../../model/labels.ts";
import type { MountedVolume } from "../../docker/decode.ts";
import { dictField, listField, textField } from "../../docker/decode.ts";
import type { CreateRequest } from "../../docker/engine.ts";

/** Where an app sees its data folder. */
const dataTarget = "/data";

/** Of a path in the name of its volume, for people. */
const shownPathChars = 40;

/** Of the digest in the name of a volume. */
const digestDigits = 16;

/** True for a volume that the engine has named, because nobody else did. */
export function isAnonymousVolume({ name }: MountedVolume): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** The volumes of a container that is about to be removed. */
export interface LeavingVolumes {
  /** Those that hold the data of the app, by the path at which containers see them. */
  kept: MountedVolume[];
  /** The names of those that the app has never seen. */
  hidden: string[];
}

/**
 * Sorts the volumes without a name of a container, which sees something mounted at each of `mountTargets`. For a path
 * such as `state` in an image the engine makes one below the root, whatever is mounted at `/state`, and mounts it
 * first, so that it is hidden.
 */
export function sortVolumes(volumes: readonly MountedVolume[], mountTargets: readonly string[]): LeavingVolumes {
  const sorted: LeavingVolumes = { kept: [], hidden: [] };
  for (const volume of volumes.filter(isAnonymousVolume)) {
    const [target] = cleanPath(volume.target);
    // No program starts on an empty root.
    const isHidden = target === undefined || (!volume.target.startsWith("/") && mountTargets.includes(target));
    if (isHidden) sorted.hidden.push(volume.name);
    else sorted.kept.push({ ...volume, target });
  }
  return sorted;
}

/**
 * `body` with a named volume for each path that it or its image declares as one, unless something else is mounted
 * there. `adopted` are volumes that the app has from earlier containers; they stay in use. The files of the app's
 * variables stay in view, also when the image declares their folder.
 */
export async function withVolumes(
  body: CreateRequest,
  options: { id: AppId; declared: readonly string[]; adopted: readonly MountedVolume[] },
): Promise<CreateRequest> {
  const { id, declared, adopted } = options;
  const host = dictField(body.HostConfig);
  const mounts = listField(host.Mounts);
  const taken = new Set([...mounts.filter((mount) => !isVolume(mount)).map(targetOf), ...bindTargets(host.Binds)]);
  const paths = [...declared, ...Object.keys(dictField(body.Volumes))].flatMap(cleanPath);
  const targets = [...new Set(paths)].filter((path) => !taken.has(path)).sort();
  if (targets.length === 0) return body;
  const data = mounts.map(dictField).find((mount) => targetOf(mount) === dataTarget);
  const known = new Map(adopted.map(({ target, name }) => [cleanPath(target).at(0), name]));
  const volumes = await Promise.all(targets.map(async (target) => {
    if (target === `${dataTarget}/env` && data !== undefined) {
      return { Type: "bind", Source: `${textField(data.Source)}/env`, Target: target };
    }
    return {
      Type: "volume",
      Source: known.get(target) ?? await volumeName(id, target),
      Target: target,
      // Of a volume that exists nothing is changed.
      VolumeOptions: { Labels: volumeLabels(id, target) },
    };
  }));
  const others = mounts.filter((mount) => !targets.includes(targetOf(mount) ?? ""));
  return { ...body, HostConfig: { ...host, Mounts: [...others, ...volumes] } };
}

/** `prod_7_var-lib-db_0f1e…`: the digest tells paths apart, the rest is for people. */
async function volumeName({ stage, appKey }: AppId, target: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(target)));
  const shown = target.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, shownPathChars);
  return `${stage.toLowerCase()}_${appKey}_${shown}_${digest.toHex().slice(0, digestDigits)}`;
}

/** The targets of `<source>:<target>[:<options>]`. */
function bindTargets(binds: unknown): string[] {
  return listField(binds).flatMap((bind) => cleanPath(textField(bind).split(":")[1] ?? ""));
}

function isVolume(mount: unknown): boolean {
  return isDict(mount) && mount.Type === "volume";
}

function targetOf(mount: unknown): string | undefined {
  return cleanPath(textField(dictField(mount).Target)).at(0);
}

/** The path as a container sees it, where one that is not absolute is below the root; nothing for the root itself. */
function cleanPath(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.length === 0 ? [] : [`/${parts.join("/")}`];
}
