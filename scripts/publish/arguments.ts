/** Reads the command lines of the tasks that publish. Pure. */

import { parseArgs } from "node:util";
import { readSharePercent } from "../../lib/self_update/update_index.ts";
import { storeForms } from "./open_store.ts";

/** What the command line says. */
export interface PublishArguments {
  to: string;
  /** The folder with the results of the build; absent for the project's. */
  folder?: string;
  signKey?: string;
  /** Platforms that must be staged before anything goes live. */
  requireArch: readonly string[];
  /** Platforms that may be left behind. */
  dropArch: readonly string[];
  /** Empty for all channels of the project. */
  channels: readonly string[];
  sharePercent?: number;
  /** The tag that is published. */
  tag?: string;
  isLauncherAllowed: boolean;
  isConfirmed: boolean;
  isPaused: boolean;
  isBack: boolean;
  /** For a build: the targets, and the files of the keys that are built in. */
  names: readonly string[];
  updateKeys: readonly string[];
}

/** The options that every task understands. */
export const publishUsage = `--to ${storeForms} [--folder build] [--sign-key FILE] [--tag vVERSION] [--launcher]`;

/** More options of the tasks that change what devices take. */
export const promoteUsage = "[--channel NAME,…] [--share PERCENT%] [--require-arch OS/ARCH,…] [--drop-arch OS/ARCH,…]";

const options = {
  "to": { type: "string" },
  "folder": { type: "string" },
  "sign-key": { type: "string" },
  "tag": { type: "string" },
  "launcher": { type: "boolean", default: false },
  "channel": { type: "string", multiple: true, default: [] as string[] },
  "share": { type: "string" },
  "require-arch": { type: "string", multiple: true, default: [] as string[] },
  "drop-arch": { type: "string", multiple: true, default: [] as string[] },
  "yes": { type: "boolean", default: false },
  "pause": { type: "boolean", default: false },
  "back": { type: "boolean", default: false },
  "update-key": { type: "string", multiple: true, default: [] as string[] },
} as const;

/** Reads the arguments. Throws with a text for people when they are wrong. */
export function readPublishArguments(args: readonly string[]): PublishArguments {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const { to, folder, tag, share, yes, pause, back, launcher } = values;
  if (to === undefined || to === "") throw new Error(`--to is missing: ${storeForms}`);
  if ([share !== undefined, pause, back].filter(Boolean).length > 1) {
    throw new Error("--share, --pause and --back exclude each other");
  }
  return {
    to,
    requireArch: readPlatforms(values["require-arch"]),
    dropArch: readPlatforms(values["drop-arch"]),
    channels: splitList(values.channel),
    isLauncherAllowed: launcher,
    isConfirmed: yes,
    isPaused: pause,
    isBack: back,
    names: positionals,
    updateKeys: values["update-key"],
    ...(folder === undefined ? {} : { folder }),
    ...(tag === undefined ? {} : { tag }),
    ...(values["sign-key"] === undefined ? {} : { signKey: values["sign-key"] }),
    ...(share === undefined ? {} : { sharePercent: readSharePercent(share) }),
  };
}

/** `linux/arm/7` of the file `targets` of the reference agent is `linux/armv7` in addresses. */
function readPlatforms(texts: readonly string[]): string[] {
  return splitList(texts).map((text) => {
    const platform = text.replace(/^linux\/arm\/([567])$/, "linux/armv$1");
    if (/^[a-z]+\/[a-z0-9]+$/.test(platform)) return platform;
    throw new Error(`"${text}" is no platform such as linux/armv7`);
  });
}

function splitList(texts: readonly string[]): string[] {
  return [
    ...new Set(texts.flatMap((text) => text.split(",")).map((text) => text.trim()).filter((text) => text !== "")),
  ];
}
