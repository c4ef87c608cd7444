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

/** Of a path in the name of its volume, for people. */
const shownPathChars = 40;

/** Of the digest in the name of a volume. */
const digestDigits = 16;

/** True for a volume that the engine has named, because nobody else did. */
export function isAnonymousVolume({ name }: MountedVolume): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/**
 * `body` with a named volume for each path that it or its image declares as one, unless something else is mounted
 * there. `adopted` are volumes that the app has from earlier containers; they stay in use.
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
  const known = new Map(adopted.map(({ target, name }) => [cleanPath(target).at(0), name]));
  const volumes = await Promise.all(targets.map(async (target) => ({
    Type: "volume",
    Source: known.get(target) ?? await volumeName(id, target),
    Target: target,
    // Of a volume that exists nothing is changed.
    VolumeOptions: { Labels: volumeLabels(id, target) },
  })));
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

/** The path as the engine spells it; nothing for one that the engine refuses. */
function cleanPath(path: string): string[] {
  if (!path.startsWith("/")) return [];
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.length === 0 ? [] : [`/${parts.join("/")}`];
}
