/** Prepares what compose runs an app from: host ports, variables, and the two files of its project. */

import { KeyedMutex } from "../../async/keyed_mutex.ts";
import { AgentError } from "../../base/errors.ts";
import type { Dict } from "../../base/json.ts";
import { quoteText } from "../../base/quote.ts";
import { closedMode, closeFolder } from "../../files/folder_rights.ts";
import { HeldFolder } from "../../files/held_folder.ts";
import { withFileError } from "../../files/os_error.ts";
import { removeTree } from "../../host/remove_tree.ts";
import type { AppRequest } from "../../model/app.ts";
import { appNameLimit, isUsableAppName, type NamedApp, projectLabelOf } from "../../model/app_names.ts";
import { removalLimitMs } from "../container/app_folders.ts";
import type { ContainerSetup } from "../container/container_setup.ts";
import type { PortBindings } from "../container/port_slots.ts";
import type { Variable } from "../container/variable.ts";
import type { AppsDeps } from "../dependencies.ts";
import type { LiveApp } from "../state/live_app.ts";
import { envFileText } from "./env_file.ts";
import { portEntriesOf } from "./port_entries.ts";
import { authoredEnvFiles, definitionText, envFileName, rewriteDefinition } from "./rewrite.ts";
import type { StoreImages } from "./store_images.ts";

/** The name of the file with the definition. */
const definitionName = "docker-compose.json";

/** Of both files: they hold secrets of the app. */
const privateMode = 0o600;

/** What the setup of projects works with. */
export type ProjectSetupDeps = Pick<AppsDeps, "buildDir" | "composeDir" | "config" | "log" | "workJournal"> & {
  /** Of single containers, which has all host ports and writes all variables. */
  setup: ContainerSetup;
};

/** Where the files of a project are. Absolute paths. */
export interface ProjectFiles {
  /** The name of the project, as compose spells it in labels. */
  project: string;
  folder: string;
  /** The definition. */
  file: string;
  /** The variables. */
  envFile: string;
}

/** What a project is prepared from. */
export interface ProjectOptions {
  request: AppRequest;
  /** Of the release that is to run, as Studio sent it. */
  definition: Dict;
  /** Where the services that exist are published; see `publishedBy()` in `port_slots.ts`. */
  published: PortBindings | undefined;
  /**
   * The variables that containers see as files stay as they are: during an update the old ones read them. False unless
   * given.
   */
  keepsVariables?: boolean;
}

/** Prepares the projects of all compose apps. */
export class ProjectSetup {
  readonly #deps: ProjectSetupDeps;
  /** By path, because two apps of one name share a folder. */
  readonly #folders = new KeyedMutex<string>();

  constructor(deps: ProjectSetupDeps) {
    this.#deps = deps;
  }

  /** Where the files of an app's project are, or would be. Throws `bad_request` for a name that no app can have. */
  folderOf(app: NamedApp): ProjectFiles {
    const { parent, name } = this.#placeOf(app);
    const folder = `${absolute(parent)}/${name}`;
    const file = `${folder}/${definitionName}`;
    return { project: projectLabelOf(app), folder, file, envFile: `${folder}/${envFileName}` };
  }

  /** What makes an image one of the store, for `imagesOf()`. */
  storeOf({ id: { appKey }, appName }: NamedApp): StoreImages {
    const { registryUrl, mainRepository } = this.#deps.config();
    return { appKey, appName, registryUrl, mainRepository };
  }

  /** What `${NAME}` stands for in the definition of an app, for `imagesOf()`: nothing is said, chosen or written. */
  variablesOf(request: AppRequest): Map<string, string> {
    const variables = this.#deps.setup.readVariables(request);
    return new Map(variables.map(({ name, value }): [string, string] => [name, value]));
  }

  /**
   * Chooses host ports, and writes the variables and both files. Files that are up to date are left alone. Throws
   * `bad_definition`, `port_in_use`, `io_failed`, `no_space`, `canceled`.
   */
  async write(app: LiveApp, options: ProjectOptions, signal: AbortSignal): Promise<ProjectFiles> {
    const { setup, log } = this.#deps;
    const { request, definition, published, keepsVariables = false } = options;
    const files = this.folderOf(app);
    const missing = authoredEnvFiles(definition).filter((path) => !isThere(path, files.folder));
    const services = portEntriesOf(definition);
    const { others } = services;
    if (others.length > 0) log.warn("Ports of services stay as they are written", { app: app.appName, others });
    const outcome = setup.ports.publishServices(app.id, { rules: request.ports, services, published });
    const ports = setup.settlePorts(app, outcome);
    const more = missing.map((path) => `The file ${quoteText(path)} of the compose file is left out: it is not here`);
    const variables = setup.variablesOf(app, { request, ports, isCompose: true, more });
    if (keepsVariables) await setup.folderOf(app).create();
    else await setup.writeVariables(app, { request, variables }, signal);
    const hasEnvFile = (path: string) => !missing.includes(path);
    const rewritten = rewriteDefinition(definition, { ...this.#rewriteOptions(app, files), ports, hasEnvFile });
    const text = definitionText(rewritten);
    await this.#folders.run(files.folder, () => this.#writeFiles(app, { text, variables }), signal);
    return files;
  }

  /**
   * Replaces the host ports of an app that an error text names, and says in its log which reserved ones it has lost;
   * true when the project is worth another try, after its files have been written again.
   */
  replacePorts(app: LiveApp, { request, engineText }: { request: AppRequest; engineText: string }): boolean {
    const { setup } = this.#deps;
    const replaced = setup.ports.replace(app.id, { rules: request.ports, engineText });
    if (typeof replaced === "boolean") return replaced;
    for (const pin of replaced) setup.sayRefused(app, pin);
    return false;
  }

  /** Deletes the file with the variables, which holds secrets. A missing one is fine. Throws `io_failed`. */
  async deleteEnv(app: NamedApp): Promise<void> {
    const { folder, envFile } = this.folderOf(app);
    await this.#folders.run(folder, () =>
      withFileError(`Cannot delete "${envFile}"`, async () => {
        await using held = await this.#open(app);
        await held?.remove(envFileName);
      }));
  }

  /**
   * Deletes the folder of the project. A missing one is fine. Throws `io_failed`, `no_space`, `timeout`, `canceled`.
   */
  async deleteFolder(app: NamedApp, signal: AbortSignal): Promise<void> {
    const { parent, name } = this.#placeOf(app);
    const { folder } = this.folderOf(app);
    const remove = () =>
      withFileError(`Cannot delete the folder "${folder}"`, async () => {
        await using above = await HeldFolder.open(parent);
        if (above === undefined) return;
        await removeTree(above.pathForChild(name), { signal, timeoutMs: removalLimitMs, shownPath: folder });
      });
    const what = "deleting its compose files";
    await this.#folders.run(folder, () => this.#deps.workJournal.run({ id: app.id, what }, remove), signal);
  }

  #rewriteOptions(app: LiveApp, { project }: ProjectFiles) {
    const { data, certs } = this.#deps.setup.sourcesOf(app);
    return { project, envDir: `${data}/env`, certsDir: certs, store: this.storeOf(app) };
  }

  async #writeFiles(
    app: NamedApp,
    { text, variables }: { text: string; variables: readonly Variable[] },
  ): Promise<void> {
    const { folder } = this.folderOf(app);
    await withFileError(`Cannot write the files in "${folder}"`, async () => {
      const { parent, name } = this.#placeOf(app);
      await using above = await HeldFolder.open(parent);
      if (above === undefined) throw new Error(`"${parent}" is not a folder`);
      // A link would lead out of the folder of all projects.
      await using held = await above.ensureFolder(name, { mode: closedMode, isReplacing: true });
      await closeFolder(held);
      const encoder = new TextEncoder();
      await held.ensureFile(envFileName, encoder.encode(envFileText(variables)), { mode: privateMode });
      await held.ensureFile(definitionName, encoder.encode(text), { mode: privateMode });
    });
  }

  async #open(app: NamedApp): Promise<HeldFolder | undefined> {
    const { parent, name } = this.#placeOf(app);
    await using above = await HeldFolder.open(parent);
    return await above?.openFolder(name);
  }

  #placeOf({ id: { stage }, appName }: NamedApp): { parent: string; name: string } {
    const { buildDir, composeDir } = this.#deps;
    if (isUsableAppName(appName)) return { parent: stage === "DEV" ? buildDir : composeDir, name: appName };
    throw new AgentError(
      "bad_request",
      `Cannot use ${quoteText(appName.slice(0, appNameLimit))} as the name of an app`,
    );
  }
}

/** Flags may name relative paths; one that is not there yet stays. */
function absolute(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    // It is created with the first file.
    return path;
  }
}

/** True for a file that compose finds, and for a path that only compose understands. */
function isThere(path: string, folder: string): boolean {
  if (path.startsWith("~")) return true;
  try {
    return Deno.statSync(/^(?:\/|[A-Za-z]:[\\/])/.test(path) ? path : `${folder}/${path}`).isFile;
  } catch {
    // Compose could not read it either.
    return false;
  }
}
