/** Gives each app what its container is made with: folder, host ports, variables, credential. */

import type { AppId, AppRequest, PortRule } from "../../model/app.ts";
import { KeyedMutex } from "../../async/keyed_mutex.ts";
import type { CreateRequest } from "../../docker/engine.ts";
import type { PortBinding } from "../../docker/decode.ts";
import { type ContainerOptions, createRequest, type PublishedPort } from "./create_request.ts";
import { type AppCredential, appCredential } from "./credential.ts";
import { containerEnv, environmentOf } from "./environment.ts";
import { HostPorts, portsNamedIn } from "./host_ports.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { AppHome, AppsDeps } from "../dependencies.ts";

/** Folders of the device that apps see at the same place, where they exist: one-wire sensors, and the GPU's libraries. */
const sharedHostFolders = ["/sys/bus/w1/devices", "/usr/local/cuda"];

/** The part of the outside that housing needs. */
export type ContainerSetupDeps = Pick<
  AppsDeps,
  "config" | "surroundings" | "folderOf" | "sharedDir" | "hasGpu" | "isPortFree" | "hideSecret" | "log"
>;

/** Where the ports of a container are published, by `<port>/<protocol>`. */
export type Published = Readonly<Record<string, readonly PortBinding[]>>;

/** Houses all apps. */
export class ContainerSetup {
  readonly #outside: ContainerSetupDeps;
  readonly #ports: HostPorts;
  /** Two apps of one name share a folder. */
  readonly #gate = new KeyedMutex<string>();

  constructor(outside: ContainerSetupDeps) {
    this.#outside = outside;
    this.#ports = new HostPorts({ isFree: (port, transport) => outside.isPortFree(port, transport) });
  }

  /** The folder of an app. Throws `bad_request` for a name that no folder can have. */
  folderOf(app: { id: AppId; appName: string }): AppHome {
    return this.#outside.folderOf(app);
  }

  /** Writes the app's credential anew where it was written before. Throws `io_failed`, `no_space`. */
  async refreshCredential(app: LiveApp, request: AppRequest): Promise<void> {
    const credential = this.#credentialOf(request);
    const folder = this.folderOf(app);
    await this.#gate.run(folder.path, () => folder.refreshCredential(credential, { isSettingUp: false }));
  }

  /**
   * The rules with the host ports that are known: those in use, else those of the container that is there (`published`), else those
   * that Studio remembers. Nothing new is chosen.
   */
  resolvePorts(app: AppId, rules: readonly PortRule[], published: Published | undefined): PortRule[] {
    return rules.map((rule) => {
      if (rule.localIp !== "") return rule;
      const key = { app, transport: transportOf(rule), port: rule.port };
      const known = this.#ports.find(key) ?? (boundPort(published, key) || rule.hostPort);
      return known > 0 ? { ...rule, hostPort: this.#ports.recoverOrReserve(key, known) } : rule;
    });
  }

  /** Chooses the host ports, writes the files and gives the create request. Throws `port_in_use`, `io_failed`, `no_space`. */
  async configure(
    app: LiveApp,
    request: AppRequest,
    options: { image: string; withGpu: boolean; signal: AbortSignal },
  ): Promise<CreateRequest> {
    const { config, surroundings, hasGpu, log } = this.#outside;
    const ports = this.#publish(app.id, request.ports);
    const { lanAddress, baseUrl } = surroundings();
    const credential = this.#credentialOf(request);
    const { variables, warnings } = environmentOf(request, {
      surroundings: { config: config(), lanAddress, baseUrl, credential },
      ports,
    });
    for (const warning of warnings) log.warn("Part of an app's environment is skipped", { app: app.appName, warning });
    const folder = this.folderOf(app);
    await this.#gate.run(folder.path, async () => {
      await folder.create();
      await folder.writeEnv(variables, request.ports);
      await folder.refreshPorts(request.ports);
    }, options.signal);
    return createRequest({
      image: options.image,
      app,
      env: containerEnv(variables),
      ports,
      mounts: this.#mountsOf(folder.path),
      withGpu: options.withGpu && await hasGpu(options.signal),
    });
  }

  /** Gives up the host ports of the app that an error text of the engine names; false when it names none. */
  replacePorts(app: LiveApp, request: AppRequest, engineText: string): boolean {
    const named = portsNamedIn(engineText, this.#publish(app.id, request.ports));
    for (const { transport, port } of named) this.#ports.reassign({ app: app.id, transport, port });
    return named.length > 0;
  }

  /** The host ports of an app are free for others. */
  releasePorts(app: AppId): void {
    this.#ports.release(app);
  }

  #publish(app: AppId, rules: readonly PortRule[]): PublishedPort[] {
    const published = new Map<string, PublishedPort>();
    for (const rule of rules) {
      if (rule.localIp !== "" || rule.port === 0) continue;
      const transport = transportOf(rule);
      const hostPort = this.#ports.recoverOrReserve({ app, transport, port: rule.port }, rule.hostPort);
      published.set(`${rule.port}/${transport}`, { port: rule.port, transport, hostPort });
    }
    return [...published.values()];
  }

  #credentialOf(request: AppRequest): AppCredential | undefined {
    const credential = appCredential({
      key: this.#outside.surroundings().appCredKey,
      serialNumber: this.#outside.config().serialNumber,
      app: request,
      epoch: request.appCredEpoch,
    });
    if (credential !== undefined) this.#outside.hideSecret(credential.secret);
    return credential;
  }

  /** The engine takes absolute paths only; flags may give others. */
  #mountsOf(appFolder: string): ContainerOptions["mounts"] {
    return [
      { source: Deno.realPathSync(this.#outside.sharedDir), target: "/shared" },
      { source: Deno.realPathSync(appFolder), target: "/data" },
      ...sharedHostFolders.filter(exists).map((path) => ({ source: path, target: path })),
    ];
  }
}

function transportOf(rule: PortRule): "tcp" | "udp" {
  return rule.protocol === "udp" ? "udp" : "tcp";
}

/** The host port that a container was made with; one on all addresses wins. 0 when there is none. */
function boundPort(published: Published | undefined, key: { transport: "tcp" | "udp"; port: number }): number {
  const bindings = published?.[`${key.port}/${key.transport}`] ?? [];
  const onAll = bindings.find(({ hostIp }) => ["", "0.0.0.0", "::"].includes(hostIp));
  return (onAll ?? bindings[0])?.hostPort ?? 0;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    // Not on this device.
    return false;
  }
}
