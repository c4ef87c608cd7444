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
import { AppPorts, type PublishOutcome, type RefusedPin } from "./app_ports.ts";
import type { PublishedPort } from "./create_request.ts";
import { type PortReservation, refusalLines, refusalText } from "./port_reservations.ts";
import { appEnvironment, type EnvironmentSources } from "./environment.ts";
import { journaledFolder } from "./journaled_folder.ts";
import { LeftOutParts } from "./left_out.ts";
import { certsTarget, proxySecrets, siteVariables } from "./site_variables.ts";
import { containerEnv, describeTooLong } from "./variable.ts";
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
    | ("workJournal" | "log")
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
    const { variables, warnings } = appEnvironment(request, { sources: this.#sources(undefined), ports: [] });
    this.leftOut.say(app, { request, variables: [...warnings, ...describeTooLong(variables)], isNews: true });
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
    const { hasGpu, log } = this.#deps;
    const { request } = options;
    const ports = this.#publish(app, request.ports);
    const sources = this.#sources(this.#credentialOf(request));
    const { variables, warnings } = appEnvironment(request, { sources, ports });
    if (warnings.length > 0) log.warn("Skipped variables of an app", { app: app.appName, ...summarize(warnings) });
    // Viewers see the log from the start of the app on.
    this.leftOut.say(app, { request, variables: [...warnings, ...describeTooLong(variables)], isNews: false });
    const folder = this.folderOf(app);
    await this.#folders.run(folder.path, async () => {
      await folder.create();
      await folder.writeEnv(variables, request.ports);
      await folder.refreshPorts(request.ports);
    }, signal);
    return createRequest({
      image: options.image,
      app,
      env: containerEnv(variables),
      ports,
      mounts: this.#mountsOf(folder.path),
      withGpu: options.withGpu && await hasGpu(signal),
    });
  }

  /** The ports of an app that starts. A reserved one that cannot be had is told in its log. Throws `port_in_use`. */
  #publish(app: LiveApp, rules: AppRequest["ports"]): PublishedPort[] {
    const outcome: PublishOutcome = this.ports.publish(app.id, rules);
    for (const id of outcome.evicted) this.#deps.makeWay(id);
    if (outcome.kind === "published") return outcome.ports;
    for (const pin of outcome.pins) this.sayRefused(app, pin);
    const text = outcome.pins.map((pin) => refusalText(pin.refusal, pin)).join("; ");
    throw new AgentError("port_in_use", text);
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

  /** Flags may name relative paths, which the engine does not take. */
  #mountsOf(dataFolder: string): ContainerOptions["mounts"] {
    return [
      { source: Deno.realPathSync(this.#deps.sharedDir), target: "/shared" },
      // Not even now is a link in its own place followed.
      { source: `${Deno.realPathSync(folderOf(dataFolder))}/${fileNameOf(dataFolder)}`, target: "/data" },
      ...(this.#hasCaBundle() ? [certsMount(Deno.realPathSync(folderOf(this.#deps.caBundleFile)))] : []),
      ...sharedHostFolders.filter(existsSync).map((path) => ({ source: path, target: path })),
    ];
  }
}

function certsMount(source: string): { source: string; target: string; isReadOnly: true } {
  return { source, target: certsTarget, isReadOnly: true };
}
