/** The data folder of an app on the host, `/data` for the app itself, and the variables in it. */

import type { AppId, PortRule } from "../../model/app.ts";
import { AgentError } from "../../base/errors.ts";
import { quoteText } from "../../base/quote.ts";
import { fileError } from "../../files/os_error.ts";
import type { AppCredential } from "./credential.ts";
import { EnvFolder } from "./env_folder.ts";
import { isReservedName, isVariableName, portNamesOf, type Variable } from "./environment.ts";

/** Agents before this one gave the device's own login to every app. */
const withdrawnName = "DEVICE_SECRET";

/** Variables that are sometimes not known, which does not mean that they are gone. */
const keptNames: ReadonlySet<string> = new Set(["APP_AUTH_ID", "APP_AUTH_SECRET", "RESWARM_URL", "DEVICE_URL"]);

/** Characters of an app name: more fit into no file name beside what is put around them. */
const nameLimit = 240;

/**
 * True when an app can have this name, whatever its case: letters, digits, `_` and `-`, and `.` between two letters or digits.
 * Everything else is either not possible in the engine's names of containers, images and projects, or leads out of a folder.
 */
export function isUsableAppName(name: string): boolean {
  return name.length <= nameLimit && /^(?:[a-z0-9_-]|(?<=[a-z0-9])\.(?=[a-z0-9]))+$/.test(name.toLowerCase());
}

/**
 * The data folder of one app: `<appsDir>/<stage>/<name>`, the last two in lower case.
 *
 * - Nothing outside it is changed, but for the folders above it that are missing.
 * - All methods throw `io_failed` or `no_space`.
 */
export class DataFolder {
  readonly path: string;
  readonly #env: EnvFolder;

  /** Touches nothing. Throws `bad_request` for a name that no app can have. */
  constructor({ appsDir }: { appsDir: string }, app: { id: AppId; appName: string }) {
    const { id: { stage }, appName } = app;
    if (!isUsableAppName(appName)) {
      throw new AgentError("bad_request", `Cannot use ${quoteText(appName.slice(0, nameLimit))} as the name of an app`);
    }
    this.path = `${appsDir}/${stage.toLowerCase()}/${appName.toLowerCase()}`;
    this.#env = new EnvFolder(`${this.path}/env`);
  }

  /** Makes it, with mode 0755 for every folder that is made: apps do not always run as root. What is there stays as it is. */
  async create(): Promise<void> {
    try {
      await makeFolder(this.path);
    } catch (error) {
      throw fileError(`Cannot create the folder "${this.path}"`, error);
    }
  }

  /**
   * Makes the files of the variables those of `variables`. Files that the agent wrote for others are removed, except those for
   * the remote ports of `rules`, which `refreshPorts` keeps true. Throws `bad_request` for a name that cannot be one of a file,
   * before anything is touched.
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
    // Said before it is done: a file is never the agent's without being known as such.
    await this.#env.record(recorded.union(names));
    const livePorts = new Set(rules.flatMap(portNamesOf).filter((name) => !isReservedName(name)));
    const isLive = ({ name }: Variable) => livePorts.has(name.replace(/_CLOUD$/, ""));
    await this.#env.write(variables.filter((variable) => !isLive(variable)), 0o600);
    await this.#env.write(variables.filter(isLive), 0o644);
    const kept = keptNames.union(livePorts);
    await this.#env.remove(recorded.difference(names).difference(kept));
    await this.#env.record(names.union(recorded.intersection(kept)));
    if (!names.has(withdrawnName)) await this.#env.remove([withdrawnName]);
  }

  /**
   * Brings the files of the app's login up to date, where it has files or is being set up; other apps must not get a folder by
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
    // A user may have a variable of this name; then it is known as written by us.
    if (!(await this.#env.recorded()).has(withdrawnName)) await this.#env.remove([withdrawnName]);
    if (credential === undefined) return;
    const { id, secret } = credential;
    const files = [{ name: "APP_AUTH_ID", value: id }, { name: "APP_AUTH_SECRET", value: secret }];
    await this.#env.write(files, 0o600);
  }

  /**
   * Brings the files of remote ports up to date while the app runs. Makes the folder only when there is a port to write; not for
   * an app that is being removed.
   */
  async refreshPorts(rules: readonly PortRule[]): Promise<void> {
    const { written, gone } = portFilesOf(rules);
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

  /** Deletes it with all the data of the app. */
  async delete(): Promise<void> {
    try {
      await Deno.remove(this.path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw fileError(`Cannot delete the folder "${this.path}"`, error);
    }
  }
}

/** A remote port that is not known stays as it was; a cloud port that is not known is gone. */
function portFilesOf(rules: readonly PortRule[]): { written: Variable[]; gone: Set<string> } {
  const ports = new Map<string, number>();
  const gone = new Set<string>();
  const put = (name: string, port: number) => {
    if (isVariableName(name) && !isReservedName(name)) ports.set(name, port);
  };
  for (const rule of rules) {
    for (const name of portNamesOf(rule)) {
      if (rule.remotePort > 0) put(name, rule.remotePort);
      if (rule.cloudRemotePort > 0) put(`${name}_CLOUD`, rule.cloudRemotePort);
      else if (isVariableName(`${name}_CLOUD`)) gone.add(`${name}_CLOUD`);
    }
  }
  // Two rules may share a name; the one with a port wins.
  for (const name of ports.keys()) gone.delete(name);
  return { written: [...ports].map(([name, port]) => ({ name, value: `${port}` })), gone };
}

/** The umask would take rights away, so every folder that is made gets its mode once more. */
async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { mode: 0o755 });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists && (await Deno.stat(path)).isDirectory) return;
    const parent = path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")));
    if (!(error instanceof Deno.errors.NotFound) || parent === "") throw error;
    await makeFolder(parent);
    await Deno.mkdir(path, { mode: 0o755 });
  }
  if (Deno.build.os !== "windows") await Deno.chmod(path, 0o755);
}
