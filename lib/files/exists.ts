/** Looks for files and folders. */

/** True when something is at `path`, even a broken link; false also where the agent must not look. */
export function existsSync(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    // A path that cannot be looked at cannot be used either.
    return false;
  }
}
