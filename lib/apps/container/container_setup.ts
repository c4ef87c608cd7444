/** Prepares what the container of an app is created with: data folder, host ports, variables, credential. */

import { summarize } from "../../base/bounds.ts";
import { type AppId, type AppRequest, idText } from "../../model/app.ts";
import { AgentError } from "../../base/errors.ts";
import { KeyedMutex } from "../../async/keyed_mutex.ts";
import type { CreateRequest } from "../../docker/engine.ts";
import { existsSync } from "../../files/exists.ts";
import { fileNameOf, folderOf } from "../../files/path_parts.ts";
import { type ContainerOptions, createRequest } from "./create_request.ts";
import { type AppCredential, appCredential } from "./app_credential.ts";
import { invalidNamesText, isEnvFileName } from "../compose/env_file.ts";
import { AppPorts, type PublishOutcome, type RefusedPin } from "./app_ports.ts";
import type { PublishedPort } from "./create_request.ts";
import { type PortReservation, refusalLines, refusalText } from "./port_reservations.ts";
import { appEnvironment, type EnvironmentPort, type EnvironmentSources } from "./environment.ts";
import { journaledFolder } from "./journaled_folder.ts";
import { LeftOutParts } from "./left_out.ts";
import { certsTarget, proxySecrets, siteVariables } from "./site_variables.ts";
import { containerEnv, describeTooLong, type Variable } from "./variable.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { AppsDeps, Surroundings } from "../dependencies.ts";

/**
 * Folders of the device that apps see at the same path, where they exist: one-wire sensors and libraries of the GPU.
 */
const sharedHostFolders = ["/sys/bus/w1/devices", "/usr/local/cuda"];

/** What the setup of containers works with. */
export type ContainerSetupDeps =
  & Pick<
    AppsDeps,
    | ("config" | "folderOf" | "sharedDir" | "caBundleFile" | "proxies" | "hasGpu" | "isPortFree" | "hideSecretsOf")
    | ("workJournal" | "log" | "tunnels")
  >
  & {
    surroundings(): Surroundings;
    /** The reservations of all apps, running or not. */
    reservations(): readonly PortReservation[];
    /** Writes one line to the log of an app. */
    say(app: LiveApp, text: string): void;
    /** Starts another app again if it runs: it has a port that is reserved for an app before it. */
    makeWay(id: AppId): void;
  };

/** Prepares the containers of all apps. */
export class ContainerSetup {
  /** The host ports of all apps. */
  readonly ports: AppPorts;
  /** What could not be used of the requests. */
  readonly leftOut: LeftOutParts;
  readonly #deps: ContainerSetupDeps;
  /** By path, because two apps of one name share a folder. */
  readonly #folders = new KeyedMutex<string>();

  constructor(deps: ContainerSetupDeps) {
    this.#deps = deps;
    this.leftOut = new LeftOutParts(deps);
    const secrets = proxySecrets(deps.proxies);
    if (secrets.length > 0) deps.hideSecretsOf("proxies of the site", secrets);
    this.ports = new AppPorts({
      isFree: (port, transport) => deps.isPortFree(port, transport),
      reservations: () => deps.reservations(),
    });
  }

  /** The data folder of an app. Throws `bad_request` for a name that no app can have. */
  folderOf(app: { id: AppId; appName: string }): ReturnType<AppsDeps["folderOf"]> {
    const { folderOf, workJournal } = this.#deps;
    return journaledFolder(folderOf(app), { id: app.id, journal: workJournal });
  }

  /** Says in the app's log what of its request cannot be used, unless that was said already. */
  sayLeftOut(app: LiveApp, request: AppRequest): void {
    const isCompose = request.dockerCompose !== null;
    const { warnings } = this.#environment(request, { sources: this.#sources(undefined), ports: [], isCompose });
    this.leftOut.say(app, { request, variables: warnings, isNews: true });
  }

  /** Says in the log of an app why it cannot have a reserved port. */
  sayRefused(app: LiveApp, pin: RefusedPin): void {
    for (const line of refusalLines(pin.refusal, pin)) this.#deps.say(app, line);
  }

  /** Updates the files of the app's credential, if the app has any files. Throws `io_failed`, `no_space`. */
  async refreshCredential(app: LiveApp, request: AppRequest): Promise<void> {
    const credential = this.#credentialOf(request);
    const folder = this.folderOf(app);
    await this.#folders.run(folder.path, () => folder.refreshCredential(credential, { isSettingUp: false }));
  }

  /**
   * Chooses host ports, writes the files of the app, and returns the request that creates its container. Throws
   * `port_in_use`, `io_failed`, `no_space`.
   */
  async configure(
    app: LiveApp,
    options: { request: AppRequest; image: string; withGpu: boolean },
    signal: AbortSignal,
  ): Promise<CreateRequest> {
    const { request } = options;
    const ports = this.settlePorts(app, this.ports.publish(app.id, request.ports));
    const variables = this.variablesOf(app, { request, ports });
    await this.writeVariables(app, { request, variables }, signal);
    return createRequest({
      image: options.image,
      app,
      env: containerEnv(variables),
      ports,
      mounts: this.#mountsOf(app),
      withGpu: options.withGpu && await this.#deps.hasGpu(signal),
    });
  }

  /**
   * The variables of an app that starts on these ports. What cannot be used is told in its log, with `more` that was
   * left out. `isCompose`: names are those that compose takes, and values may be of any length.
   */
  variablesOf(
    app: LiveApp,
    options: {
      request: AppRequest;
      ports: readonly EnvironmentPort[];
      isCompose?: boolean;
      more?: readonly string[];
    },
  ): Variable[] {
    const { request, ports, isCompose = false, more = [] } = options;
    const sources = this.#sources(this.#credentialOf(request));
    const { variables, warnings } = this.#environment(request, { sources, ports, isCompose });
    const all = [...warnings, ...more];
    if (all.length > 0) this.#deps.log.warn("Skipped variables of an app", { app: app.appName, ...summarize(all) });
    // Viewers see the log from the start of the app on.
    this.leftOut.say(app, { request, variables: all, isNews: false });
    return variables;
  }

  /** The variables that a compose app has with this request, without its ports; nothing is said. */
  readVariables(request: AppRequest): Variable[] {
    const sources = this.#sources(this.#credentialOf(request));
    return this.#environment(request, { sources, ports: [], isCompose: true }).variables;
  }

  /** Writes the variables as files into the data folder of the app. Throws `io_failed`, `no_space`, `canceled`. */
  async writeVariables(
    app: LiveApp,
    { request, variables }: { request: AppRequest; variables: readonly Variable[] },
    signal: AbortSignal,
  ): Promise<void> {
    const folder = this.folderOf(app);
    await this.#folders.run(folder.path, async () => {
      await folder.create();
      await folder.writeEnv(variables, request.ports);
      await folder.refreshPorts(request.ports);
    }, signal);
  }

  /**
   * The data folder of an app on the host, and the folder with the certificates of the site if there are any. Absolute:
   * flags may name relative paths, which the engine does not take.
   */
  sourcesOf(app: LiveApp): { data: string; certs: string | undefined } {
    const { path } = this.folderOf(app);
    return {
      // Not even now is a link in its own place followed.
      data: `${Deno.realPathSync(folderOf(path))}/${fileNameOf(path)}`,
      certs: this.#hasCaBundle() ? Deno.realPathSync(folderOf(this.#deps.caBundleFile)) : undefined,
    };
  }

  /**
   * The ports that were chosen for an app. Its log says which reserved ones it cannot have, and which ones of a DEV app
   * are not those that its developer has declared. Throws `port_in_use`.
   */
  settlePorts<Port extends PublishedPort>(app: LiveApp, outcome: PublishOutcome<Port>): Port[] {
    for (const id of outcome.evicted) this.#deps.makeWay(id);
    if (outcome.kind === "refused") {
      for (const pin of outcome.pins) this.sayRefused(app, pin);
      const text = outcome.pins.map((pin) => refusalText(pin.refusal, pin)).join("; ");
      throw new AgentError("port_in_use", text);
    }
    const moved = app.id.stage === "DEV" ? outcome.ports.filter(({ port, hostPort }) => port !== hostPort) : [];
    for (const { port, hostPort } of moved) {
      this.#deps.say(app, `Port ${port} is reached on host port ${hostPort}, because host port ${port} is in use`);
    }
    return outcome.ports;
  }

  #environment(
    request: AppRequest,
    options: { sources: EnvironmentSources; ports: readonly EnvironmentPort[]; isCompose: boolean },
  ): { variables: Variable[]; warnings: string[] } {
    const { isCompose } = options;
    const remotePorts = this.#deps.tunnels.remotePorts(request);
    const names = isCompose ? { isName: isEnvFileName } : {};
    const environment = appEnvironment(request, { ...options, remotePorts, ...names });
    const { variables, warnings, invalidNames } = environment;
    const invalid = invalidNames.length > 0 ? [invalidNamesText(invalidNames)] : [];
    return { variables, warnings: [...warnings, ...invalid, ...(isCompose ? [] : describeTooLong(variables))] };
  }

  #sources(credential: AppCredential | undefined): EnvironmentSources {
    const { lanAddress, baseUrl } = this.#deps.surroundings();
    const config = this.#deps.config();
    const { proxies } = this.#deps;
    const site = { proxies, lanAddress, applianceDomain: config.applianceDomain, hasCaBundle: this.#hasCaBundle() };
    return { config, lanAddress, baseUrl, credential, site: siteVariables(site) };
  }

  /** There are certificates of the site only where the device belongs to an appliance. */
  #hasCaBundle(): boolean {
    if (this.#deps.config().applianceDomain.trim() === "") return false;
    try {
      const { isFile, size } = Deno.statSync(this.#deps.caBundleFile);
      return isFile && size > 0;
    } catch {
      // It has not been written yet.
      return false;
    }
  }

  #credentialOf(request: AppRequest): AppCredential | undefined {
    const credential = appCredential({
      key: this.#deps.surroundings().appCredKey,
      serialNumber: this.#deps.config().serialNumber,
      app: request,
      epoch: request.appCredEpoch,
    });
    if (credential !== undefined) this.#deps.hideSecretsOf(`credential of ${idText(request)}`, [credential.secret]);
    return credential;
  }

  #mountsOf(app: LiveApp): ContainerOptions["mounts"] {
    const { data, certs } = this.sourcesOf(app);
    return [
      { source: Deno.realPathSync(this.#deps.sharedDir), target: "/shared" },
      { source: data, target: "/data" },
      ...(certs === undefined ? [] : [certsMount(certs)]),
      ...sharedHostFolders.filter(existsSync).map((path) => ({ source: path, target: path })),
    ];
  }
}

function certsMount(source: string): { source: string; target: string; isReadOnly: true } {
  return { source, target: certsTarget, isReadOnly: true };
}
