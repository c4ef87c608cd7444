/** Where the real parts that tests run against are installed. */

import { buildArch } from "../../../lib/version.ts";
import { readTextIfThere } from "../../files.ts";
import { frpFile } from "../../frp/recipe.ts";
import { pathOf } from "../../paths.ts";

/** Paths of the installed parts. */
export interface PartsFolder {
  root: string;
  /** The extracted Docker packages. */
  docker: string;
  /** Folders with the Docker programs, in the order for PATH. */
  dockerPrograms: string[];
  /** The value for DOCKER_CONFIG: a folder with the plugins of the docker command. */
  dockerConfig: string;
  /** The virtual environment of the router. */
  crossbar: string;
  crossbarProgram: string;
  /** The virtual environment of the storage service. */
  storage: string;
  storageProgram: string;
  /** A folder with the archive of a bare Debian. */
  debian: string;
  debianArchive: string;
  /** A kernel with radios, and the first file system of a virtual machine. */
  machine: string;
  /** The tunnel client and its server, for each platform. */
  frp: string;
  /** Those for this machine. */
  frpc: string;
  frps: string;
  /** The Go toolchain, where the machine has none. */
  go: string;
  /** Modules and results of Go. */
  goCache: string;
}

/**
 * The folder that all clones of the project share: `$REAGENT_PARTS`, else `reagent-parts` in the user's cache folder,
 * else `.parts` in the project.
 */
export function partsFolder(environment: { get(name: string): string | undefined } = Deno.env): PartsFolder {
  const cache = environment.get("XDG_CACHE_HOME") ||
    (environment.get("HOME") ? `${environment.get("HOME")}/.cache` : "");
  const shared = cache === "" ? pathOf("../../../.parts", import.meta.url) : `${cache}/reagent-parts`;
  const root = environment.get("REAGENT_PARTS") || shared;
  const { arch, variant } = buildArch();
  const platform = `${Deno.build.os}/${arch}${variant}`;
  return {
    root,
    docker: `${root}/docker26`,
    dockerPrograms: [`${root}/docker26/usr/sbin`, `${root}/docker26/usr/bin`],
    dockerConfig: `${root}/docker-config`,
    crossbar: `${root}/crossbar-26.10`,
    crossbarProgram: `${root}/crossbar-26.10/bin/crossbar`,
    storage: `${root}/storage-2024.8`,
    storageProgram: `${root}/storage-2024.8/bin/gcp-storage-emulator`,
    debian: `${root}/debian-bookworm`,
    debianArchive: `${root}/debian-bookworm/root.tar`,
    machine: `${root}/virtual-machine`,
    frp: `${root}/frp`,
    frpc: `${root}/frp/${frpFile("frpc", platform)}`,
    frps: `${root}/frp/${frpFile("frps", platform)}`,
    go: `${root}/go`,
    goCache: `${root}/go-cache`,
  };
}

/** Whether the folder was completed with this recipe. */
export async function isInstalled(folder: string, recipe: string): Promise<boolean> {
  return await readTextIfThere(`${folder}/.installed`) === recipe;
}

/** Marks the folder as complete, which is the last step of its installation. */
export async function markInstalled(folder: string, recipe: string): Promise<void> {
  await Deno.writeTextFile(`${folder}/.installed`, recipe);
}
