/** Makes a staged version what devices take, in an order in which nothing is promised before it is there. */

import type { UpdateKey } from "../../lib/self_update/minisign.ts";
import type { SigningKey } from "../signing/secret_key.ts";
import { executablePath, installScriptPath, releaseEnds, stagedScriptPath, versionPath } from "./layout.ts";
import { assertStaysSigned, type LiveIndex, replaceIndex } from "./live_index.ts";
import { changeIndex, type IndexChange } from "./next_index.ts";
import type { ReleaseStore } from "./release_store.ts";
import { checkStaged, readStaged } from "./staged.ts";
import { copyCompared, transfer, type TransferOptions } from "./transfer.ts";

/** What goes live, and how. */
export interface LiveOptions extends TransferOptions {
  live: LiveIndex;
  signKey?: SigningKey;
  /** The public half of the key; staged executables must be signed by it. */
  keys: readonly UpdateKey[];
  requireArch: readonly string[];
  dropArch: readonly string[];
  /** Seconds since 1970. */
  now: number;
}

/**
 * Checks everything that is staged, then the copies for people, the version for installers, and last the index. A share
 * or a pause changes the index only; the way back changes the index first.
 */
export async function goLive(change: IndexChange, options: LiveOptions): Promise<void> {
  const { live, now } = options;
  const index = changeIndex(live.index, { change, now, newestNumber: live.newestNumber });
  assertStaysSigned(options);
  switch (change.kind) {
    case "promote":
      await checkVersion(change.version, options);
      await offer(change.version, options);
      return await replaceIndex(index, options);
    case "share":
      await checkVersion(change.version, options);
      return await replaceIndex(index, options);
    case "pause":
      return await replaceIndex(index, options);
    case "back": {
      const versions = new Set(change.channels.flatMap((name) => index.channels.get(name)?.version ?? []));
      for (const version of versions) await checkVersion(version, { ...options, requireArch: [] });
      await replaceIndex(index, options);
      const [first] = versions;
      if (first !== undefined) await offer(first, options);
    }
  }
}

/** Refuses a version that some device in the field could not download: it would store an error page as its agent. */
export async function checkVersion(version: string, options: LiveOptions): Promise<void> {
  const { store, live, requireArch, dropArch, keys, progress } = options;
  const staged = await readStaged(store);
  const platforms = [...staged.get(version) ?? []].sort();
  if (platforms.length === 0) throw new Error(`${store.name} has nothing staged for ${version}; run deno task publish`);
  const inUse = [...live.index?.channels.values() ?? []].flatMap((channel) => [...staged.get(channel.version) ?? []]);
  const missing = [...new Set([...requireArch, ...inUse])].filter((platform) =>
    !platforms.includes(platform) && !dropArch.includes(platform)
  );
  if (missing.length > 0) {
    const drop = `--drop-arch ${missing.join(",")}`;
    throw new Error(
      `${version} is not staged for ${
        missing.sort().join(", ")
      }, and devices there would store an error page as their agent; ` +
        `stage it, or say ${drop} when no such device is left`,
    );
  }
  for (const platform of platforms) {
    await checkStaged(store, { platform, version, keys });
    progress.note(`ok     ${executablePath(platform, version)}: checksum${keys.length > 0 ? " and signature" : ""}`);
  }
}

/** Copies all executables of a version to `latest`, and its script for installers. Throws when nothing is staged. */
export async function copyLatest(version: string, { store, progress }: TransferOptions): Promise<void> {
  const platforms = [...(await readStaged(store)).get(version) ?? []].sort();
  if (platforms.length === 0) throw new Error(`${store.name} has nothing staged for ${version}; run deno task publish`);
  for (const platform of platforms) await copyPlatform(platform, { store, version });
  const script = stagedScriptPath(version);
  if ((await store.list(script)).includes(script)) await copyCompared(store, { from: script, to: installScriptPath });
  progress.note(`ok     latest: ${version} for ${platforms.join(", ")}`);
}

async function copyPlatform(
  platform: string,
  { store, version }: { store: ReleaseStore; version: string },
): Promise<void> {
  const [from, to] = [executablePath(platform, version), executablePath(platform, "latest")];
  await copyCompared(store, { from, to });
  const there = await store.list(`${from}.`);
  for (const end of releaseEnds) {
    if (there.includes(`${from}${end}`)) await copyCompared(store, { from: `${from}${end}`, to: `${to}${end}` });
    else await store.remove(`${to}${end}`);
  }
}

/** Writes the version for installers, without a line feed. */
export async function writeVersion(version: string, options: TransferOptions): Promise<void> {
  await transfer(versionPath, { ...options, content: { bytes: new TextEncoder().encode(version) } });
}

async function offer(version: string, options: LiveOptions): Promise<void> {
  await copyLatest(version, options);
  await writeVersion(version, options);
}
