/** Makes an archive of a bare Debian, on which an installation can be tried. */

import { removeIfThere } from "../../files.ts";
import { mustRun } from "../../programs.ts";
import { isInstalled, markInstalled, type PartsFolder } from "./folder.ts";
import { findMirror, readSources } from "./mirror.ts";

/** What an installation with one line needs, and a bare Debian does not have. */
const packages = ["ca-certificates", "curl", "openssl"];
const recipe = `bookworm ${packages.join(" ")} 1`;

/** Makes the archive unless it is complete; takes about a minute. Throws with the reason on failure. */
export async function installDebianRoot(parts: PartsFolder, say: (text: string) => void): Promise<void> {
  if (await isInstalled(parts.debian, recipe)) return;
  const mirror = findMirror(await readSources());
  if (mirror === undefined) throw new Error("the sources of apt list no mirror of Debian");
  say("making a bare Debian (300 MB, about a minute)");
  await removeIfThere(parts.debian);
  await Deno.mkdir(parts.debian, { recursive: true });
  const root = `${parts.debian}/root`;
  const options = ["--variant=minbase", `--include=${packages.join(",")}`, `--keyring=${mirror.signedBy}`];
  await mustRun("debootstrap", [...options, "bookworm", root, mirror.url]);
  await mustRun("tar", [
    "--directory",
    root,
    "--exclude",
    "./var/cache/apt",
    "--create",
    "--file",
    parts.debianArchive,
    ".",
  ]);
  await removeIfThere(root);
  await markInstalled(parts.debian, recipe);
}
