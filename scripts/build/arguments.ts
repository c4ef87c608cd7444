/** Reads the command line of `deno task build`. Pure. */

import { parseArgs } from "node:util";
import type { WantedImage } from "./wanted_image.ts";

/** Which executables are asked for. */
export interface WantedTargets {
  bundleOnly: boolean;
  /** Names of targets; empty for all that can be built. */
  names: readonly string[];
}

/** What the command line asks for. */
export interface BuildArguments extends WantedTargets {
  /** Files with minisign public keys that are built in. */
  updateKeys: readonly string[];
  /** The file of the minisign secret key that signs the results. */
  signKey?: string;
  /** Whether the build runs in a container, and of which image. */
  isInDocker: boolean;
  baseImage?: string;
  /** The Docker image that is made of the results. */
  image?: WantedImage;
}

/** How the task is called. */
export const buildUsage =
  "Usage: deno task build [--update-key FILE]... [--sign-key FILE] [--bundle-only | os/arch …]\n" +
  "         [--docker [--base-image IMAGE]]\n" +
  "         [--docker-image NAME [--image-base IMAGE] [--image-packages 'NAME …']]";

const options = {
  "bundle-only": { type: "boolean", default: false },
  "update-key": { type: "string", multiple: true, default: [] as string[] },
  "sign-key": { type: "string" },
  "docker": { type: "boolean", default: false },
  "base-image": { type: "string" },
  "docker-image": { type: "string" },
  "image-base": { type: "string" },
  "image-packages": { type: "string" },
} as const;

/** Reads the arguments of the task; undefined when they are wrong. */
export function readBuildArguments(args: readonly string[]): BuildArguments | undefined {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const { "bundle-only": bundleOnly, "update-key": updateKeys, "sign-key": signKey } = values;
    const { docker: isInDocker, "base-image": baseImage } = values;
    if ((bundleOnly && positionals.length > 0) || (baseImage !== undefined && !isInDocker)) return undefined;
    const { "docker-image": imageName, "image-base": base, "image-packages": packages } = values;
    if (imageName === undefined && (base !== undefined || packages !== undefined)) return undefined;
    const image = imageName &&
      { name: imageName, ...(base && { base }), ...(packages === undefined ? {} : { packages }) };
    return {
      bundleOnly,
      names: [...new Set(positionals)],
      updateKeys,
      isInDocker,
      ...(signKey === undefined ? {} : { signKey }),
      ...(baseImage === undefined ? {} : { baseImage }),
      ...(image ? { image } : {}),
    };
  } catch (error) {
    // The usage says more than the parser.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
