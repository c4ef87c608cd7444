/** The folder and the name in a path, by the separators of this operating system. Pure. */

/** Everything before the last separator; `.` when there is none, `/` for a file in the root. */
export function folderOf(path: string): string {
  const end = lastSeparator(path);
  return end < 0 ? "." : end === 0 ? "/" : path.slice(0, end);
}

/** Everything behind the last separator. */
export function fileNameOf(path: string): string {
  return path.slice(lastSeparator(path) + 1);
}

function lastSeparator(path: string): number {
  return Deno.build.os === "windows" ? Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) : path.lastIndexOf("/");
}
