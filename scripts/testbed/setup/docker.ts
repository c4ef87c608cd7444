/**
 * Installs the Docker engine of Debian 13 for tests on any Debian, because Debian 12 has engine 20.10 only: downloads
 * its packages with a private configuration of apt and extracts them, so that the system's own apt, libraries and
 * engine stay as they are.
 */

import { isInstalled, markInstalled, type PartsFolder } from "./folder.ts";
import { removeIfThere } from "../../files.ts";
import { findMirror, readSources } from "./mirror.ts";
import { mustRun } from "../../programs.ts";

const packages = ["docker.io", "docker-cli", "containerd", "docker-compose", "docker-buildx"];
const recipe = "docker of trixie 1";

/** Downloads and extracts the engine unless it is complete. Throws with the reason on failure. */
export async function installDocker(parts: PartsFolder, say: (text: string) => void): Promise<void> {
  if (await isInstalled(parts.docker, recipe)) return;
  say("downloading the Docker engine of Debian 13 (80 MB)");
  const partial = `${parts.root}/docker26.partial`;
  await removeIfThere(partial);
  await removeIfThere(parts.docker);
  const apt = await configureApt(`${partial}/apt`);
  await Deno.mkdir(`${partial}/debs`);
  await mustRun("apt-get", ["update"], apt);
  await mustRun("apt-get", ["download", ...packages], { ...apt, cwd: `${partial}/debs` });
  const files = [...Deno.readDirSync(`${partial}/debs`)].map((entry) => `${partial}/debs/${entry.name}`);
  await Promise.all(files.map((file) => mustRun("dpkg", ["-x", file, partial])));
  await removeIfThere(`${partial}/debs`);
  await removeIfThere(`${partial}/apt`);
  await Deno.rename(partial, parts.docker);
  await linkPlugins(parts);
  await markInstalled(parts.docker, recipe);
}

/**
 * Creates a folder with everything that apt expects in /etc/apt and /var/lib/apt; returns the environment that makes
 * apt use it.
 */
async function configureApt(folder: string): Promise<{ env: Record<string, string> }> {
  const mirror = findMirror(await readSources());
  if (mirror === undefined) throw new Error("the sources of apt list no mirror of Debian");
  for (
    const inner of ["apt.conf.d", "sources.list.d", "preferences.d", "state/lists/partial", "cache/archives/partial"]
  ) {
    await Deno.mkdir(`${folder}/${inner}`, { recursive: true });
  }
  await Deno.writeTextFile(`${folder}/sources.list`, `deb [signed-by=${mirror.signedBy}] ${mirror.url} trixie main\n`);
  const settings = [
    `Dir::Etc "${folder}"`,
    `Dir::Etc::sourcelist "${folder}/sources.list"`,
    `Dir::Etc::sourceparts "${folder}/sources.list.d"`,
    `Dir::Etc::preferencesparts "${folder}/preferences.d"`,
    `Dir::State "${folder}/state"`,
    `Dir::State::status "/var/lib/dpkg/status"`,
    `Dir::Cache "${folder}/cache"`,
    `Acquire::Languages "none"`,
    `APT::Sandbox::User "root"`,
  ];
  await Deno.writeTextFile(`${folder}/apt.conf`, settings.map((line) => `${line};\n`).join(""));
  return { env: { APT_CONFIG: `${folder}/apt.conf` } };
}

async function linkPlugins(parts: PartsFolder): Promise<void> {
  await removeIfThere(parts.dockerConfig);
  await Deno.mkdir(`${parts.dockerConfig}/cli-plugins`, { recursive: true });
  const folder = `${parts.docker}/usr/libexec/docker/cli-plugins`;
  for await (const entry of Deno.readDir(folder)) {
    await Deno.symlink(`${folder}/${entry.name}`, `${parts.dockerConfig}/cli-plugins/${entry.name}`);
  }
}
