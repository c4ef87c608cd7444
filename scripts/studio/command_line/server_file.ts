/** The file with the address and login of a running Studio, for the command line on the same machine. */

import { isDict, parseJson } from "../../../lib/base/json.ts";
import type { RouterLogin } from "../open_session.ts";

/** Writes the file; only its owner can read it. */
export async function writeServerFile(folder: string, login: RouterLogin): Promise<void> {
  const path = pathIn(folder);
  await Deno.writeTextFile(`${path}.part`, JSON.stringify(login), { mode: 0o600 });
  await Deno.rename(`${path}.part`, path);
}

/** Reads the file; undefined when it is missing or invalid. */
export async function readServerFile(folder: string): Promise<RouterLogin | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(pathIn(folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const value = parseJson(text);
  if (!isDict(value)) return undefined;
  const { url, authid, secret } = value;
  if (typeof url !== "string" || typeof authid !== "string" || typeof secret !== "string") return undefined;
  return { url, authid, secret };
}

/** Removes the file. */
export async function removeServerFile(folder: string): Promise<void> {
  await Deno.remove(pathIn(folder));
}

function pathIn(folder: string): string {
  return `${folder}/server.json`;
}
