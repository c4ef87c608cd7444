/** Syncs a folder, so that a rename in it survives power loss. */
export async function syncFolder(path: string): Promise<void> {
  // On Windows a folder cannot be opened as a file.
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path, { read: true });
  await folder.sync();
}
