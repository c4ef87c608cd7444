/** Opens what the tasks that publish work with. */

import { isDict, parseJson } from "../../lib/base/json.ts";
import type { UpdateKey } from "../../lib/self_update/minisign.ts";
import { readSigningKeyFile } from "../build/keys.ts";
import { readProjectVersion } from "../bump/version.ts";
import type { LineOutput } from "../line_output.ts";
import { runProgram } from "../programs.ts";
import type { SigningKey } from "../signing/secret_key.ts";
import type { PublishArguments } from "./arguments.ts";
import { type LiveIndex, readLiveIndex } from "./live_index.ts";
import { openStore } from "./open_store.ts";
import { createProgress } from "./progress.ts";
import type { IndexChange } from "./next_index.ts";
import type { TransferOptions } from "./transfer.ts";

/** Where a task runs. */
export interface PublishSurroundings {
  /** The folder of the project, with a slash at its end. */
  root: string;
  environment: Readonly<Record<string, string>>;
  output: LineOutput;
}

/** Everything that the steps of publishing need. */
export interface PublishContext extends TransferOptions, Disposable {
  folder: string;
  version: string;
  channels: readonly string[];
  live: LiveIndex;
  signKey?: SigningKey;
  keys: readonly UpdateKey[];
  requireArch: readonly string[];
  dropArch: readonly string[];
  isLauncherAllowed: boolean;
  /** Seconds since 1970. */
  now: number;
}

/** Opens the store and reads what is live. Throws when something is missing, or the tag names another version. */
export async function openPublishing(
  args: PublishArguments,
  { root, environment, output }: PublishSurroundings,
): Promise<PublishContext> {
  const version = readProjectVersion(await Deno.readTextFile(`${root}deno.json`));
  await assertTag(version, { root, tag: args.tag });
  const signKey = await readSigningKeyFile(args.signKey, { environment });
  const store = openStore(args.to, { environment });
  try {
    return {
      store,
      progress: createProgress(output),
      folder: args.folder ?? `${root}build`,
      version,
      channels: args.channels.length > 0 ? args.channels : await readChannels(root),
      live: await readLiveIndex(store),
      keys: signKey === undefined ? [] : [{ id: signKey.id, bytes: signKey.publicBytes }],
      ...(signKey === undefined ? {} : { signKey }),
      requireArch: args.requireArch,
      dropArch: args.dropArch,
      isLauncherAllowed: args.isLauncherAllowed,
      now: Math.floor(Date.now() / 1_000),
      [Symbol.dispose]: () => store[Symbol.dispose](),
    };
  } catch (error) {
    store[Symbol.dispose]();
    throw error;
  }
}

/** What the command line wants of the index. */
export function changeOf(args: PublishArguments, { version, channels }: PublishContext): IndexChange {
  if (args.isPaused) return { kind: "pause", channels };
  if (args.isBack) return { kind: "back", channels };
  const { sharePercent } = args;
  if (sharePercent === undefined || sharePercent >= 100) return { kind: "promote", version, channels };
  return { kind: "share", version, channels, sharePercent };
}

async function readChannels(root: string): Promise<string[]> {
  const file = parseJson(await Deno.readTextFile(`${root}availableVersions.json`));
  const names = isDict(file) ? Object.keys(file) : [];
  if (names.length === 0) throw new Error("availableVersions.json has no channels");
  return names;
}

/** A commit with tags of versions must have the tag of this one: else the files are not what the tag says. */
async function assertTag(version: string, { root, tag }: { root: string; tag?: string | undefined }): Promise<void> {
  const { success, stdout } = await runProgram("git", ["tag", "--points-at", "HEAD"], { cwd: root });
  const tags = tag === undefined ? (success ? stdout.split("\n") : []) : [tag];
  const versions = tags.map((name) => name.trim()).filter((name) => /^v\d/.test(name) || tag !== undefined);
  if (versions.length === 0 || versions.includes(`v${version}`)) return;
  throw new Error(`The tag is ${versions.join(", ")}, and deno.json has version ${version}`);
}
