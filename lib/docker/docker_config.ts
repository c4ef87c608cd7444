/**
 * A private folder of settings for each run of the `docker` command line: with the logins that the run needs and
 * nobody else's, and with the plugins of the machine and of the agent's user.
 */

import { AgentError, messageOf } from "../base/errors.ts";
import { isDict, parseJson } from "../base/json.ts";
import { existsSync } from "../files/exists.ts";
import { makeFolderSync } from "../files/make_folder.ts";
import { endMarkedProcesses } from "../host/marked_processes.ts";
import { registryHost } from "../model/registry_host.ts";
import { dictField, listField } from "./decode.ts";
import type { RegistryAuth } from "./registry.ts";

/** A folder for DOCKER_CONFIG; disposing removes it. */
export interface DockerConfig extends Disposable {
  /** An absolute path. */
  readonly folder: string;
}

/** The variables by which the settings of the agent's user are found. */
export type ConfigEnvironment = Readonly<Record<string, string | undefined>>;

/** Docker Hub is known to command lines by the address of its first version. */
const hubAddress = "https://index.docker.io/v1/";

/** Without any entry the command line looks for programs that keep logins, which may ask a person for a password. */
const placeholder: Readonly<Record<string, unknown>> = { "none.invalid": {} };

/** The private folders of this agent. Nothing outside of them is ever written. */
export class DockerConfigs {
  readonly #folder: string;
  readonly #env: ConfigEnvironment;

  /** `folder` holds them: `Paths.dockerConfigDir`; `env` replaces the variables of the process. */
  constructor(options: { folder: string; env?: ConfigEnvironment }) {
    this.#folder = options.folder;
    this.#env = options.env ?? Deno.env.toObject();
  }

  /**
   * Makes a folder with these logins; of two for one registry the first counts. The folder is 0700 and the file in it
   * 0600. Throws `io_failed`.
   */
  open(logins: readonly RegistryAuth[]): DockerConfig {
    try {
      makeFolderSync(this.#folder, { mode: 0o700 });
      const folder = `${Deno.realPathSync(this.#folder)}/${crypto.randomUUID()}`;
      makeFolderSync(folder, { mode: 0o700 });
      try {
        this.#fill(folder, logins);
      } catch (error) {
        // Nobody else would remove it before the next start.
        removeFolder(folder);
        throw error;
      }
      return { folder, [Symbol.dispose]: () => removeFolder(folder) };
    } catch (error) {
      const text = `Cannot write the settings of the docker command line below "${this.#folder}": ${messageOf(error)}`;
      throw new AgentError("io_failed", text, { cause: error });
    }
  }

  /**
   * Removes what earlier runs of the agent have left, and ends the commands that still use it: only processes whose
   * DOCKER_CONFIG is one of these folders. Must run before the first `open()`. Costs one look at a folder when nothing
   * was left. Returns how many processes were ended. Throws `canceled` only.
   */
  async endLeftOvers(signal: AbortSignal): Promise<number> {
    const names = readNames(this.#folder);
    if (names.length === 0) return 0;
    const root = Deno.realPathSync(this.#folder);
    const ended = await endMarkedProcesses(new Set(names.map((name) => `DOCKER_CONFIG=${root}/${name}`)), { signal });
    for (const name of names) removeFolder(`${root}/${name}`);
    return ended;
  }

  #fill(folder: string, logins: readonly RegistryAuth[]): void {
    const home = this.#env.HOME || this.#env.USERPROFILE;
    const userFolder = this.#env.DOCKER_CONFIG || (home ? `${home}/.docker` : "");
    const config = cliConfig(logins, userFolder === "" ? undefined : readConfig(`${userFolder}/config.json`));
    const file = `${folder}/config.json`;
    Deno.writeTextFileSync(file, JSON.stringify(config), { mode: 0o600, createNew: true });
    const plugins = `${userFolder}/cli-plugins`;
    if (userFolder === "" || !existsSync(plugins)) return;
    Deno.symlinkSync(Deno.realPathSync(plugins), `${folder}/cli-plugins`, { type: "dir" });
  }
}

/**
 * The settings for these logins. Of the user's settings only the places of plugins and the proxies of builds are kept:
 * no logins, no programs that keep logins, no other engine. Pure.
 */
export function cliConfig(logins: readonly RegistryAuth[], user: unknown): Record<string, unknown> {
  const auths = new Map<string, unknown>();
  for (const { host, user: name, password } of logins) {
    const plainHost = registryHost(host);
    const address = plainHost === "docker.io" ? hubAddress : plainHost;
    if (address === "" || auths.has(address)) continue;
    auths.set(address, { auth: new TextEncoder().encode(`${name}:${password}`).toBase64() });
  }
  const { cliPluginsExtraDirs, proxies } = dictField(user);
  const folders = listField(cliPluginsExtraDirs).filter((folder) => typeof folder === "string");
  return {
    auths: auths.size === 0 ? placeholder : Object.fromEntries(auths),
    ...(folders.length === 0 ? {} : { cliPluginsExtraDirs: folders }),
    ...(isDict(proxies) ? { proxies } : {}),
  };
}

/** What a person has written there may be anything. */
function readConfig(path: string): unknown {
  try {
    return parseJson(Deno.readTextFileSync(path));
  } catch {
    // Most machines have none.
    return undefined;
  }
}

function readNames(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map((entry) => entry.name);
  } catch {
    // No command has ever run.
    return [];
  }
}

function removeFolder(folder: string): void {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch {
    // The next start tries again.
  }
}
