/** The public keys of the publisher, which the build puts into the bundle. */

import { readUpdateKeys, type UpdateKey } from "./minisign.ts";

/**
 * A comment in the format of minisign's public keys. `deno task build --update-key FILE` adds lines with keys to this
 * text, inside the bundle; the text itself must stand there once.
 */
export const builtInKeyText = "untrusted comment: the update keys of this agent";

/**
 * The keys of an agent: those that are built in, else those in `REAGENT_UPDATE_KEY` of its environment. None means that
 * updates are taken without a signature. Throws `config_broken` when the variable holds something else.
 */
export function updateKeysOf(environment: { get(name: string): string | undefined }): UpdateKey[] {
  const builtIn = readUpdateKeys(builtInKeyText);
  return builtIn.length > 0 ? builtIn : readUpdateKeys(environment.get("REAGENT_UPDATE_KEY") ?? "");
}
