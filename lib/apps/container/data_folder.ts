/** The data folder of an app on the host, which the app sees as `/data`, with its variables as files. */

import type { AppId, PortRule } from "../../model/app.ts";
import { appNameLimit, isUsableAppName } from "../../model/app_names.ts";
import { AgentError } from "../../base/errors.ts";
import { quoteText } from "../../base/quote.ts";
import { fileError } from "../../files/os_error.ts";
import type { AppCredential } from "./app_credential.ts";
import { EnvFolder } from "./env_folder.ts";
import { livePortNames, remotePortFiles } from "./remote_ports.ts";
import { isVariableName, type Variable } from "./variable.ts";

/** Older agents gave the device's own login to every app. */
const withdrawnName = "DEVICE_SECRET";

/** Variables that are sometimes unknown, which does not mean that they are gone. */
const lastingNames: ReadonlySet<string> = new Set(["APP_AUTH_ID", "APP_AUTH_SECRET", "RESWARM_URL", "DEVICE_URL"]);

/**
 * The data folder of one app: `<appsDir>/<stage>/<name>`, the last two in lower case.
 *
 * - Nothing outside it is changed, except that missing parent folders are created.
 * - All methods throw `io_failed` or `no_space`.
 */
export class DataFolder {
  readonly path: string;
  readonly #env: EnvFolder;

  /** Creates nothing yet. Throws `bad_request` for a name that no app can have. */
  constructor({ appsDir }: { appsDir: string }, app: { id: AppId; appName: string }) {
    const { id: { stage }, appName } = app;
    if (!isUsableAppName(appName)) {
      const shown = quoteText(appName.slice(0, appNameLimit));
      throw new AgentError("bad_request", `Cannot use ${shown} as the name of an app`);
    }
    this.path = `${appsDir}/${stage.toLowerCase()}/${appName.toLowerCase()}`;
    this.#env = new EnvFolder(`${this.path}/env`);
  }

  /**
   * Creates the folder and its parents with mode 0755, because apps do not always run as root. Existing folders stay as
   * they are.
   */
  async create(): Promise<void> {
    try {
      await makeWithParents(this.path);
    } catch (error) {
      throw fileError(`Cannot create the folder "${this.path}"`, error);
    }
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
    await this.create();
    await this.#env.create();
    await this.#env.restrict();
    await this.#env.removeLeftovers();
    const names = new Set(variables.map(({ name }) => name));
    const recorded = await this.#env.recorded();
    // First, so that the agent never leaves a file that it does not know as its own.
    await this.#env.record(recorded.union(names));
    const livePorts = livePortNames(rules);
    const isLive = ({ name }: Variable) => livePorts.has(name.replace(/_CLOUD$/, ""));
    await this.#env.write(variables.filter((variable) => !isLive(variable)), 0o600);
    await this.#env.write(variables.filter(isLive), 0o644);
    const lasting = lastingNames.union(livePorts);
    await this.#env.remove(recorded.difference(names).difference(lasting));
    await this.#env.record(names.union(recorded.intersection(lasting)));
    if (!names.has(withdrawnName)) await this.#env.remove([withdrawnName]);
  }

  /**
   * Updates the files of the app's login, if the app has files or is being set up; other apps must not get a folder by
   * this. Without a credential the files stay as they are.
   */
  async refreshCredential(
    credential: AppCredential | undefined,
    { isSettingUp = false }: { isSettingUp?: boolean } = {},
  ): Promise<void> {
    if (!await this.#env.exists()) {
      if (!isSettingUp || credential === undefined) return;
      await this.create();
      await this.#env.create();
    }
    // It is recorded when a user has a variable of this name.
    if (!(await this.#env.recorded()).has(withdrawnName)) await this.#env.remove([withdrawnName]);
    if (credential === undefined) return;
    const { id, secret } = credential;
    const files = [{ name: "APP_AUTH_ID", value: id }, { name: "APP_AUTH_SECRET", value: secret }];
    await this.#env.write(files, 0o600);
  }

  /**
   * Updates the files of remote ports while the app runs. Creates the folder only when there is a port to write; must
   * not be called for an app that is being removed.
   */
  async refreshPorts(rules: readonly PortRule[]): Promise<void> {
    const { written, gone } = remotePortFiles(rules);
    if (written.length > 0) {
      await this.create();
      await this.#env.create();
    } else if (!await this.#env.exists()) return;
    const recorded = await this.#env.recorded();
    await this.#env.record(recorded.difference(gone).union(new Set(written.map(({ name }) => name))));
    await this.#env.write(written, 0o644);
    await this.#env.remove(gone);
  }

  /** Deletes the files of the variables. */
  async deleteEnv(): Promise<void> {
    await this.#env.delete();
  }

  /** Deletes the folder with all data of the app. */
  async delete(): Promise<void> {
    try {
      await Deno.remove(this.path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw fileError(`Cannot delete the folder "${this.path}"`, error);
    }
  }
}

/** The umask may take rights away, so the mode of every new folder is set once more. */
async function makeWithParents(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { mode: 0o755 });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists && (await Deno.stat(path)).isDirectory) return;
    const parent = path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")));
    if (!(error instanceof Deno.errors.NotFound) || parent === "") throw error;
    await makeWithParents(parent);
    await Deno.mkdir(path, { mode: 0o755 });
  }
  if (Deno.build.os !== "windows") await Deno.chmod(path, 0o755);
}
