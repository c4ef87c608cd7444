/** The keys of a build: those that its agents will know, and the one that signs its results. */

import { builtInKeyText } from "../../lib/self_update/built_in_keys.ts";
import { readUpdateKeys, type UpdateKey } from "../../lib/self_update/minisign.ts";
import { readSigningKey, type SigningKey } from "../signing/secret_key.ts";
import type { BuildArguments } from "./arguments.ts";

/** What was read from the files of the keys. */
export interface BuildKeys {
  /** The lines of base64 that are built in. */
  updateKeyLines: readonly string[];
  updateKeys: readonly UpdateKey[];
  signKey?: SigningKey;
}

/**
 * Reads the files that the command line names; without one that signs, `REAGENT_SIGN_KEY` of the environment names it.
 * Throws when one cannot be read, and when the agents of this build would not take what it signs.
 */
export async function readBuildKeys(
  wanted: Pick<BuildArguments, "updateKeys" | "signKey">,
  { environment }: { environment: Readonly<Record<string, string>> },
): Promise<BuildKeys> {
  const texts = await Promise.all(wanted.updateKeys.map((path) => Deno.readTextFile(path)));
  for (const [index, text] of texts.entries()) {
    if (readUpdateKeys(text).length === 0) throw new Error(`There is no key in "${wanted.updateKeys[index]}"`);
  }
  const updateKeys = readUpdateKeys(texts.join("\n"));
  const isKey = (line: string) => line !== "" && !line.startsWith("#") && !line.startsWith("untrusted comment:");
  const updateKeyLines = [...new Set(texts.join("\n").split("\n").map((line) => line.trim()).filter(isKey))];
  const signKey = await readSigningKeyFile(wanted.signKey, { environment });
  if (signKey !== undefined && updateKeys.length > 0 && !updateKeys.some(({ id }) => id === signKey.id)) {
    const known = updateKeys.map(({ id }) => id).join(", ");
    throw new Error(
      `The agents of this build would refuse its signatures: they know ${known}, and ${signKey.id} signs`,
    );
  }
  return { updateKeyLines, updateKeys, ...(signKey === undefined ? {} : { signKey }) };
}

/** The key in a file, else in the file that `REAGENT_SIGN_KEY` names; undefined without either. */
export async function readSigningKeyFile(
  path: string | undefined,
  { environment }: { environment: Readonly<Record<string, string>> },
): Promise<SigningKey | undefined> {
  const file = path ?? environment.REAGENT_SIGN_KEY;
  if (!file) return undefined;
  const password = environment.REAGENT_SIGN_PASSWORD;
  return await readSigningKey(await Deno.readTextFile(file), password === undefined ? {} : { password });
}

/** The bundle with these keys in it; undefined when it has no place for them. */
export function withUpdateKeys(bundle: string, lines: readonly string[]): string | undefined {
  if (lines.length === 0) return bundle;
  const [before, after, ...others] = bundle.split(builtInKeyText);
  if (before === undefined || after === undefined || others.length > 0) return undefined;
  // Inside the quotes of a text in the script, so that the line feeds are escaped.
  return `${before}${builtInKeyText}${lines.map((line) => `\\n${line}`).join("")}${after}`;
}
