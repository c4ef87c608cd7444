/** Reads the small files in which Linux describes the machine. */

/**
 * The text of a file, or undefined when it cannot be read: other systems lack these files, and the runtime shows some
 * of them only to programs with all permissions. Blocks, so only for files of the kernel and other small ones.
 */
export function readSystemFile(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // Whatever the reason, the caller has to manage without the file.
    return undefined;
  }
}
