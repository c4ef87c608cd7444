/** Puts checksum, signature and bill of materials next to the results of a build. */

import { removeIfThere } from "../files.ts";
import { sha256OfFile } from "../sha256.ts";
import { signContent } from "../signing/sign.ts";
import type { SigningKey } from "../signing/secret_key.ts";
import { writeBill } from "./sbom/document.ts";
import type { PackageFacts } from "./sbom/packages.ts";

/** The ends of the names of what stands next to a result. */
export const attachmentEnds = [".sha256", ".minisig", ".cdx.json"] as const;

/** The list of all checksums, as `sha256sum -c` reads it. */
export const sumsName = "SHA256SUMS";

/** What the attachments say. */
export interface AttachOptions {
  folder: string;
  version: string;
  packages: readonly PackageFacts[];
  signKey?: SigningKey;
  /** Seconds since 1970, of the sources. */
  sourceTime?: number;
  /** Seconds since 1970. */
  now: number;
}

/**
 * Writes the attachments of one result. `runtime` is the version of the runtime in it, `clientModule` the `go.mod` of
 * the tunnel client in it.
 */
export async function attach(
  name: string,
  options: AttachOptions & { runtime?: string; clientModule?: string },
): Promise<void> {
  const { folder, version, packages, signKey, sourceTime, runtime, clientModule, now } = options;
  const path = `${folder}/${name}`;
  const sha256 = await sha256OfFile(path);
  await Deno.writeTextFile(`${path}.sha256`, `${sha256}\n`);
  const bill = writeBill({
    version,
    file: { name, sha256 },
    packages,
    ...(runtime === undefined ? {} : { runtime }),
    ...(clientModule === undefined ? {} : { clientModule }),
    ...(sourceTime === undefined ? {} : { timestamp: sourceTime }),
  });
  await Deno.writeTextFile(`${path}.cdx.json`, bill);
  if (signKey === undefined) return;
  using file = await Deno.open(path);
  const signature = await signContent(file.readable, {
    key: signKey,
    fields: { timestamp: now, file: name, version },
  });
  await Deno.writeTextFile(`${path}.minisig`, signature);
}

/** Writes the list of checksums of all results in the folder, also those of an earlier build. */
export async function writeSums(folder: string): Promise<void> {
  const lines: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.startsWith("reagent") || !name.endsWith(".sha256")) continue;
    lines.push(`${(await Deno.readTextFile(`${folder}/${name}`)).trim()}  ${name.slice(0, -".sha256".length)}\n`);
  }
  await Deno.writeTextFile(`${folder}/${sumsName}`, lines.sort((a, b) => a.slice(64) < b.slice(64) ? -1 : 1).join(""));
}

/** Removes a result and what stands next to it. */
export async function removeResult(path: string): Promise<void> {
  for (const end of ["", ...attachmentEnds]) await removeIfThere(`${path}${end}`);
}
