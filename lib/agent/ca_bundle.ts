/**
 * The certificates that apps of an appliance's devices are to trust: those of this machine's operating system, and what
 * vouches for the endpoint. Imported only where a device belongs to an appliance.
 */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { DeviceConfig } from "../config/flock.ts";
import { writeFileDurably } from "../files/atomic_file.ts";
import { makeFolderSync } from "../files/make_folder.ts";
import { folderOf } from "../files/path_parts.ts";
import { caBundle, caStoreChangedMs, pemOf, pemsIn, readCaStore } from "../host/ca_store.ts";
import type { Paths } from "../paths.ts";
import { readVerifiedChain } from "../wamp/endpoint_chain.ts";
import { type ProxySettings, readProxySettings } from "../wamp/proxy.ts";

/** What the bundle is made with. */
export interface CaBundleOptions {
  paths: Pick<Paths, "caBundleFile" | "endpointChainFile">;
  config: Pick<DeviceConfig, "applianceDomain" | "endpointUrl">;
  proxies?: ProxySettings;
  clock: Pick<Clock, "wall">;
  log: Log;
}

/** The endpoint gets this long to show its certificates. */
const chainLimitMs = 5_000;

/**
 * Writes the bundle at the start, from what is on this machine. A bundle that is newer than the certificates of the
 * operating system stays. Without an appliance it is deleted. Failures are only logged.
 */
export async function prepareCaBundle(options: CaBundleOptions): Promise<void> {
  const { paths: { caBundleFile }, config, log } = options;
  try {
    if (config.applianceDomain.trim() === "") return await deleteBundle(caBundleFile);
    if (!isUpToDate(caBundleFile)) await writeBundle(options);
  } catch (error) {
    log.warn("Cannot write the certificates for apps", { path: caBundleFile, error: textOf(error) });
  }
}

/**
 * Writes the bundle with what vouches for the endpoint at this moment; what did before counts while it cannot be
 * reached. Throws `connect_failed`, `timeout`, `canceled`, `io_failed` and `no_space`, with a bundle in place.
 */
export async function refreshCaBundle(options: CaBundleOptions, signal: AbortSignal): Promise<void> {
  const { paths: { endpointChainFile }, config, log } = options;
  const proxies = options.proxies ?? readProxySettings(Deno.env);
  const url = new URL(config.endpointUrl);
  try {
    const what = "Reading the certificates of the endpoint";
    const work = (limit: AbortSignal) => readVerifiedChain(url, { proxies, signal: limit });
    const chain = await within(chainLimitMs, work, { what, signal });
    const content = endpointChainText(url, chain);
    if (content !== readFileText(endpointChainFile)) {
      await writeFileDurably(endpointChainFile, content, { mode: 0o644, log });
    }
  } finally {
    await writeBundle(options);
  }
}

async function writeBundle({ paths, config, clock, log }: CaBundleOptions): Promise<void> {
  const { caBundleFile: path, endpointChainFile } = paths;
  const remembered = readFileText(endpointChainFile);
  const isSame = URL.canParse(config.endpointUrl) && remembered.startsWith(headOf(new URL(config.endpointUrl)));
  const bundle = caBundle([...readCaStore(), ...(isSame ? pemsIn(remembered) : [])], { now: clock.wall() });
  if (bundle === "") {
    // With a wrong clock all of them may seem to have expired; what is there is better than nothing.
    log.warn("There are no certificates for apps on this machine", { path });
    return;
  }
  makeFolderSync(folderOf(path), { mode: 0o755 });
  if (readFileText(path) !== bundle) await writeFileDurably(path, bundle, { mode: 0o644, log });
  // Any user in a container reads it.
  if (Deno.build.os === "windows") return;
  setMode(folderOf(path), 0o755);
  setMode(path, 0o644);
}

function setMode(path: string, mode: number): void {
  if (((Deno.statSync(path).mode ?? mode) & 0o7777) !== mode) Deno.chmodSync(path, mode);
}

function isUpToDate(path: string): boolean {
  try {
    const { size, mtime } = Deno.statSync(path);
    const changedMs = caStoreChangedMs();
    return size > 0 && mtime !== null && changedMs !== undefined && changedMs < mtime.getTime();
  } catch {
    // It is not there.
    return false;
  }
}

/** Names the endpoint, because a device can be moved to another one. */
function headOf(url: URL): string {
  return `# ${url.protocol}//${url.host}\n`;
}

function endpointChainText(url: URL, chain: readonly Uint8Array[]): string {
  return headOf(url) + chain.map((raw) => pemOf({ raw })).join("");
}

function readFileText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // It is not there yet.
    return "";
  }
}

async function deleteBundle(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
