/**
 * Puts the addons for pseudoterminals into the bundle, which is one file for all platforms: the text that stands for an
 * addon in `lib/host/pty_addon.ts` becomes the addon itself, as base64 of gzip.
 */

import { projectRoot } from "../paths.ts";

/** The platforms whose addon goes into the bundle. */
export const addonPlatforms = ["linux-x64", "linux-arm64"] as const;

/** The packages whose addons go into a bundle with this code. */
export function addonPackages(bundle: string): string[] {
  return addonPlatforms.filter((platform) => bundle.includes(placeOf(platform))).map(packageOf);
}

/** The code of a bundle, with the addons in place of the texts that it has. */
export async function withPtyAddons(bundle: string): Promise<string> {
  let code = bundle;
  for (const platform of addonPlatforms) {
    const place = placeOf(platform);
    if (!code.includes(place)) continue;
    const addon = await Deno.readFile(`${projectRoot}node_modules/${packageOf(platform)}/pty.node`);
    code = code.replace(place, await pack(addon));
  }
  return code;
}

function placeOf(platform: string): string {
  return `reagent:pty-addon:${platform}`;
}

function packageOf(platform: string): string {
  return `@lydell/node-pty-${platform}`;
}

async function pack(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(packed).bytes()).toBase64();
}
