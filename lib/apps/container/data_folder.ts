/** The data folder of an app on the host, which the app sees as `/data`, with its variables as files. */

import type { AppId, PortRule } from "../../model/app.ts";
import { appNameLimit, isUsableAppName } from "../../model/app_names.ts";
import { AgentError } from "../../base/errors.ts";
import { quoteText } from "../../base/quote.ts";
import { fileError } from "../../files/os_error.ts";
import type { AppCredential } from "./app_credential.ts";
import { type AppFolderPlace, deleteAppFolder, ensureAppFolder, openAppFolder } from "./app_folders.ts";
import { EnvFolder, envMode } from "./env_folder.ts";
import { livePortNames, remotePortFiles } from "./remote_ports.ts";
import { isVariableName, type Variable } from "./variable.ts";

/** Older agents gave the device's own login to every app. */
const withdrawnName = "DEVICE_SECRET";

/** Variables that are sometimes unknown, which does not mean that they are gone. */
const lastingNames: ReadonlySet<string> = new Set(["APP_AUTH_ID", "APP_AUTH_SECRET", "RESWARM_URL", "DEVICE_URL"]);

const envName = "env";

/**
 * The data folder of one app: `<appsDir>/<stage>/<name>`, the last two in lower case.
 *
 * - Nothing outside it is changed, except that missing parent folders are created.
 * - The app can change everything in it at any moment; no link is followed.
 * - All methods throw `io_failed` or `no_space`.
 */
export class DataFolder {
  readonly path: string;
  readonly #place: AppFolderPlace;

  /** Creates nothing yet. Throws `bad_request` for a name that no app can have. */
  constructor({ appsDir }: { appsDir: string }, app: { id: AppId; appName: string }) {
    const { id: { stage }, appName } = app;
    if (!isUsableAppName(appName)) {
      const shown = quoteText(appName.slice(0, appNameLimit));
      throw new AgentError("bad_request", `Cannot use ${shown} as the name of an app`);
    }
    this.#place = { appsDir, stage: stage.toLowerCase(), name: appName.toLowerCase() };
    this.path = `${appsDir}/${this.#place.stage}/${this.#place.name}`;
  }

  /**
   * Creates the folder and its parents. Any user in a container can write to it, because apps do not always run as
   * root; other users of the device are kept out by the folder of the stage.
   */
  async create(): Promise<void> {
    await using _folder = await ensureAppFolder(this.#place);
  }

  /**
   * Writes a file for each variable, and removes those that the agent wrote for other variables. The files for remote
   * ports of `rules` stay, because `refreshPorts()` keeps them up to date. Throws `bad_request` for a name that no
   * variable can have, before anything is changed.
   */
  async writeEnv(variables: readonly Variable[], rules: readonly PortRule[] = []): Promise<void> {
    const wrong = variables.find(({ name }) => !isVariableName(name));
    if (wrong !== undefined) {
      throw new AgentError("bad_request", `Cannot use ${quoteText(wrong.name)} as the name of a variable`);
    }
    await using env = await this.#ensureEnv();
    await env.restrict();
    await env.removeLeftovers();
    const names = new Set(variables.map(({ name }) => name));
    const recorded = await env.recorded();
    // First, so that the agent never leaves a file that it does not know as its own.
    await env.record(recorded.union(names));
    await env.write(variables);
    const lasting = lastingNames.union(livePortNames(rules));
    await env.remove(recorded.difference(names).difference(lasting));
    await env.record(names.union(recorded.intersection(lasting)));
    if (!names.has(withdrawnName)) await env.remove([withdrawnName]);
  }

  /**
   * Updates the files of the app's login, if the app has files or is being set up; other apps must not get a folder by
   * this. Without a credential the files stay as they are.
   */
  async refreshCredential(
    credential: AppCredential | undefined,
    { isSettingUp = false }: { isSettingUp?: boolean } = {},
  ): Promise<void> {
    const mayCreate = isSettingUp && credential !== undefined;
    await using env = await this.#openEnv() ?? (mayCreate ? await this.#ensureEnv() : undefined);
    if (env === undefined) return;
    // It is recorded when a user has a variable of this name.
    if (!(await env.recorded()).has(withdrawnName)) await env.remove([withdrawnName]);
    if (credential === undefined) return;
    const { id, secret } = credential;
    await env.write([{ name: "APP_AUTH_ID", value: id }, { name: "APP_AUTH_SECRET", value: secret }]);
  }

  /**
   * Updates the files of remote ports while the app runs. Creates the folder only when there is a port to write; must
   * not be called for an app that is being removed.
   */
  async refreshPorts(rules: readonly PortRule[]): Promise<void> {
    const { written, gone } = remotePortFiles(rules);
    await using env = written.length > 0 ? await this.#ensureEnv() : await this.#openEnv();
    if (env === undefined) return;
    const recorded = await env.recorded();
    await env.record(recorded.difference(gone).union(new Set(written.map(({ name }) => name))));
    await env.write(written);
    await env.remove(gone);
  }

  /** When the app has last changed the file `name` in its folder; undefined when there is none. */
  async changedAt(name: string): Promise<Date | undefined> {
    await using folder = await openAppFolder(this.#place);
    const entry = await this.#tryOpening(() => folder?.look(name));
    return entry?.isFile === true ? entry.changedAt : undefined;
  }

  /** Deletes the files of the variables. Throws `timeout` and `canceled`, too. */
  async deleteEnv(signal: AbortSignal = never()): Promise<void> {
    await deleteAppFolder({ ...this.#place, inner: envName }, signal);
  }

  /** Deletes the folder with all data of the app. Throws `timeout` and `canceled`, too. */
  async delete(signal: AbortSignal = never()): Promise<void> {
    await deleteAppFolder(this.#place, signal);
  }

  /** Undefined when something else is in its place, such as a link to a folder. */
  async #openEnv(): Promise<EnvFolder | undefined> {
    await using folder = await openAppFolder(this.#place);
    const env = await this.#tryOpening(() => folder?.openFolder(envName));
    return env && new EnvFolder(env);
  }

  async #ensureEnv(): Promise<EnvFolder> {
    await using folder = await ensureAppFolder(this.#place);
    const options = { mode: envMode, isReplacing: true };
    return new EnvFolder(await this.#tryOpening(() => folder.ensureFolder(envName, options)));
  }

  async #tryOpening<T>(open: () => T): Promise<Awaited<T>> {
    try {
      return await open();
    } catch (error) {
      throw fileError(`Cannot open the folder "${this.path}/${envName}"`, error);
    }
  }
}

/** For callers that wait for the end. */
function never(): AbortSignal {
  return new AbortController().signal;
}
