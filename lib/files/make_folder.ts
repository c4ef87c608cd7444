/** Creates folders whose modes do not depend on the umask. */

/** Modes of folders that are created. */
export interface FolderModes {
  mode: number;
  /** Of missing folders above it; 0755 when absent. */
  parentMode?: number;
}

/**
 * Creates the folder at `path` and those above it. Existing ones are left as they are, also behind a link. Throws the
 * system's errors.
 */
export function makeFolderSync(path: string, { mode, parentMode = 0o755 }: FolderModes): void {
  try {
    createFolder(path, mode);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists && Deno.statSync(path).isDirectory) return;
    const parent = path.replace(separatorAtEnd, "").replace(lastPart, "");
    if (!(error instanceof Deno.errors.NotFound) || parent === "" || parent === path) throw error;
    makeFolderSync(parent, { mode: parentMode, parentMode });
    createFolder(path, mode);
  }
}

const isWindows = Deno.build.os === "windows";
const separatorAtEnd = isWindows ? /[\\/]+$/ : /\/+$/;
const lastPart = isWindows ? /[\\/]*[^\\/]*$/ : /\/*[^/]*$/;

/** The umask can only take rights away, so the folder is never open to more than `mode` allows. */
function createFolder(path: string, mode: number): void {
  Deno.mkdirSync(path, { mode });
  if (!isWindows) Deno.chmodSync(path, mode);
}
