/** Brings the executables of a build to a store. Nothing that a device sees changes. */

import { readUpdateSignature } from "../../lib/self_update/minisign.ts";
import { headBytes } from "../build/base_executable.ts";
import { installScriptName } from "../build/make_install_script.ts";
import { isLauncher } from "../build/launcher.ts";
import { ownPlatform } from "../build/target.ts";
import { tryProgram } from "../build/runtime_command.ts";
import { readTextIfThere } from "../files.ts";
import { sha256OfFile } from "../sha256.ts";
import type { SigningKey } from "../signing/secret_key.ts";
import { signContent } from "../signing/sign.ts";
import { type BuiltFile, builtFileOf, executablePath, stagedScriptPath } from "./layout.ts";
import type { LiveIndex } from "./live_index.ts";
import type { Content } from "./release_store.ts";
import { hasContent, transfer, type TransferOptions } from "./transfer.ts";

/** What is staged. */
export interface StageOptions extends TransferOptions {
  folder: string;
  version: string;
  signKey?: SigningKey;
  live: LiveIndex;
  isLauncherAllowed: boolean;
  /** Seconds since 1970. */
  now: number;
}

/**
 * Brings each executable, then what belongs to it. Returns the platforms. Throws when there is none, or one is wrong.
 */
export async function stage(options: StageOptions): Promise<string[]> {
  const files = await findBuiltFiles(options);
  for (const file of files) await assertFits(file, options);
  for (const file of files) await stageFile(file, options);
  const script = `${options.folder}/${installScriptName}`;
  if (await readTextIfThere(script) !== undefined) {
    await transfer(stagedScriptPath(options.version), { ...options, content: { file: script } });
  }
  return files.map(({ platform }) => platform);
}

/** The launcher stands for an executable only when asked for: it needs a runtime, which devices do not have. */
async function findBuiltFiles({ folder, isLauncherAllowed }: StageOptions): Promise<BuiltFile[]> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  const files = names.sort().flatMap((name) => builtFileOf(name) ?? []);
  const isOwnThere = files.some(({ platform }) => platform === ownPlatform());
  if (isLauncherAllowed && !isOwnThere && names.includes("reagent")) {
    files.push({ name: "reagent", platform: ownPlatform() });
  }
  if (files.length > 0) return files;
  const launcher = names.includes("reagent") ? `; --launcher takes ${folder}/reagent, which needs a runtime` : "";
  throw new Error(`There is nothing to publish: no reagent-<os>-<arch> in ${folder}${launcher}`);
}

async function assertFits(file: BuiltFile, options: StageOptions): Promise<void> {
  const { folder, version, store, live, isLauncherAllowed } = options;
  const path = `${folder}/${file.name}`;
  const sha256 = await sha256OfFile(path);
  const noted = (await readTextIfThere(`${path}.sha256`))?.trim();
  if (noted !== undefined && noted !== sha256) {
    throw new Error(`${path} has changed since it was built; build it again`);
  }
  if (!isLauncherAllowed && isLauncher(await readHead(path))) {
    throw new Error(`${path} is a launcher, which needs a runtime on the device; --launcher publishes it all the same`);
  }
  if (file.platform === ownPlatform()) {
    const { success, text } = await tryProgram(path, { args: ["-version"], environment: Deno.env.toObject() });
    if (!success || text.trim() !== version) {
      throw new Error(
        `${path} -version must print ${version}, it printed ${JSON.stringify(text.trim().slice(0, 200))}`,
      );
    }
  }
  if (!isLive(version, live)) return;
  const target = executablePath(file.platform, version);
  if (await store.read(target).then((stream) => stream?.cancel().then(() => true)) === undefined) return;
  if (await hasContent(store, { path: target, sha256 })) return;
  throw new Error(`${version} is live, and ${target} would get another content; raise the version with deno task bump`);
}

function isLive(version: string, { index }: LiveIndex): boolean {
  return [...index?.channels.values() ?? []].some((channel) =>
    channel.version === version || channel.next?.version === version
  );
}

async function stageFile(file: BuiltFile, options: StageOptions): Promise<void> {
  const { folder, version } = options;
  const from = `${folder}/${file.name}`;
  const to = executablePath(file.platform, version);
  await transfer(to, { ...options, content: { file: from } });
  const checksum = new TextEncoder().encode(`${await sha256OfFile(from)}\n`);
  await transfer(`${to}.sha256`, { ...options, content: { bytes: checksum } });
  const signature = await readSignature(from, { file, options });
  if (signature !== undefined) await transfer(`${to}.minisig`, { ...options, content: signature });
  const bill = `${from}.cdx.json`;
  if (await readTextIfThere(bill) !== undefined) {
    await transfer(`${to}.cdx.json`, { ...options, content: { file: bill } });
  }
}

/** The signature of the build; one is made when there is none, or only one by another key than the given one. */
async function readSignature(
  path: string,
  { file, options }: { file: BuiltFile; options: StageOptions },
): Promise<Content | undefined> {
  const { signKey, version, now, live } = options;
  const built = await readTextIfThere(`${path}.minisig`);
  if (built !== undefined && (signKey === undefined || readUpdateSignature(built).keyId === signKey.id)) {
    return { file: `${path}.minisig` };
  }
  if (signKey === undefined) {
    if (live.isSigned) throw new Error(`${path} is not signed, and agents refuse it: --sign-key is missing`);
    return undefined;
  }
  using content = await Deno.open(path);
  const fields = { timestamp: now, file: file.name, version };
  return { bytes: new TextEncoder().encode(await signContent(content.readable, { key: signKey, fields })) };
}

async function readHead(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const head = new Uint8Array(headBytes);
  return head.subarray(0, await file.read(head) ?? 0);
}
