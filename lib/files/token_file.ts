/** A token that only the owner of its file can read: who presents it has shown that it may act as that user. */

import { fileError } from "./os_error.ts";

const tokenBytes = 32;

/**
 * Makes a token and writes it to `path`, readable by its owner alone, in the place of whatever is there. The folder
 * must belong to the agent's own user. Returns the token, 64 hexadecimal digits. Throws `io_failed`, `no_space`.
 */
export async function createTokenFile(path: string): Promise<string> {
  const token = crypto.getRandomValues(new Uint8Array(tokenBytes)).toHex();
  try {
    await removeIfPresent(path);
    await Deno.writeTextFile(path, `${token}\n`, { createNew: true, mode: 0o600 });
    return token;
  } catch (error) {
    throw fileError(`Cannot write the token file "${path}"`, error);
  }
}

/** True when `given` is the token. Takes the same time for every text of the same length. */
export function isToken(given: string, token: string): boolean {
  if (given.length !== token.length) return false;
  let difference = 0;
  for (let index = 0; index < token.length; index += 1) difference |= given.charCodeAt(index) ^ token.charCodeAt(index);
  return difference === 0;
}

async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
