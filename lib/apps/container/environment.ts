/** The environment of an app: variables of the agent, those that its user set, and defaults of its template. Pure. */

import type { AppRequest } from "../../model/app.ts";
import { quoteText } from "../../base/quote.ts";
import { isDict } from "../../base/json.ts";
import { deviceUrl, endpointForApps, tunnelDomain } from "../../config/derived.ts";
import type { DeviceConfig } from "../../config/flock.ts";
import type { PublishedPort } from "./create_request.ts";
import type { AppCredential } from "./app_credential.ts";
import { type RemotePorts, remotePortVariables } from "./remote_ports.ts";
import { isReservedName, isVariableName, valueText, type Variable } from "./variable.ts";

/** Where the agent's own variables come from. What is undefined is not known, and its variable is missing. */
export interface EnvironmentSources {
  config: DeviceConfig;
  lanAddress: string | undefined;
  /** Studio's address. */
  baseUrl: string | undefined;
  credential: AppCredential | undefined;
  /** What the app has to know of the site. */
  site: readonly (readonly [name: string, value: string])[];
}

/** A published port; of a service, if the app has several. */
export interface EnvironmentPort extends PublishedPort {
  service?: string;
}

/** What an environment is made with. */
export interface EnvironmentOptions {
  sources: EnvironmentSources;
  ports: readonly EnvironmentPort[];
  remotePorts?: RemotePorts;
  /** What names have to be besides those of variables; those that are not are in `invalidNames`, not in `warnings`. */
  isName?(name: string): boolean;
}

/** The variables of an app, and what of them was left out. */
export interface AppEnvironment {
  variables: Variable[];
  /** Sentences. */
  warnings: string[];
  invalidNames: string[];
}

/**
 * All variables of an app, each name once, in the order in which later ones replace earlier ones. DEV apps get neither
 * what a user set nor remote ports. An entry that cannot be used is left out, with a sentence without its value in
 * `warnings`.
 */
export function appEnvironment(request: AppRequest, options: EnvironmentOptions): AppEnvironment {
  const layers = new Layers(options.isName);
  for (const [name, value] of deviceVariables(request, options.sources)) layers.put(name, value);
  for (const [name, value] of options.sources.site) layers.putDefault(name, value);
  for (const [name, value] of studioVariables(request, options.sources)) layers.put(name, value);
  if (request.stage === "PROD") {
    layers.putEntries(request.environment, { member: "value" });
    for (const { name, value } of remotePortVariables(request.ports, options.remotePorts)) {
      layers.putAgents(name, value);
    }
    layers.putEntries(request.environmentTemplate, { member: "defaultValue", onlyMissing: true });
  } else {
    layers.putEntries(request.environmentTemplate, { member: "defaultValue" });
  }
  for (const { port, hostPort } of inOrder(options.ports)) layers.putAgents(`DEVICE_PORT_FOR_${port}`, `${hostPort}`);
  return { variables: layers.variables(), warnings: layers.warnings, invalidNames: [...layers.invalidNames] };
}

/** Variables in layers; of two with one name the later wins. */
class Layers {
  readonly warnings: string[] = [];
  readonly invalidNames = new Set<string>();
  readonly #isName: ((name: string) => boolean) | undefined;
  readonly #values = new Map<string, string>();
  readonly #defaults = new Set<string>();
  /** Those that a user has set. */
  readonly #usersNames = new Set<string>();

  constructor(isName: ((name: string) => boolean) | undefined) {
    this.#isName = isName;
  }

  variables(): Variable[] {
    return [...this.#values].map(([name, value]) => ({ name, value }));
  }

  /** A value that any other one replaces, also a default of the template. */
  putDefault(name: string, value: string): void {
    this.put(name, value);
    this.#defaults.add(name);
  }

  put(name: string, value: string): void {
    this.#defaults.delete(name);
    // Deleted first, so that it stands at the place of the later one.
    this.#values.delete(name);
    this.#values.set(name, value.toWellFormed());
  }

  /** For names and values that do not come from the agent. */
  putOpen(name: string, value: string): void {
    if (this.#isName?.(name) === false) this.invalidNames.add(name);
    else if (!isVariableName(name)) this.#warn(name, "its name cannot be that of a variable");
    else if (isReservedName(name)) this.#warn(name, "its name is reserved");
    else if (value.includes("\0")) this.#warn(name, "its value has a NUL character");
    else this.put(name, value);
  }

  /** In place of one that a user has set. */
  putAgents(name: string, value: string): void {
    if (this.#usersNames.delete(name)) this.#warn(name, "the agent sets it");
    this.putOpen(name, value);
  }

  /** `{NAME: {<member>: value}}`; without a value there is no default, but an empty variable of a user. */
  putEntries(
    entries: Record<string, unknown>,
    { member, onlyMissing = false }: { member: "value" | "defaultValue"; onlyMissing?: boolean },
  ): void {
    for (const [name, entry] of Object.entries(entries)) {
      if (onlyMissing && this.#values.has(name) && !this.#defaults.has(name)) continue;
      if (!isDict(entry)) {
        this.#warn(name, "its entry is not an object");
        continue;
      }
      const value = Object.hasOwn(entry, member) ? entry[member] ?? null : null;
      if (value === null && member === "defaultValue") continue;
      const text = valueText(value);
      if (text === undefined) this.#warn(name, "its value cannot be written as text");
      else this.putOpen(name, text);
      if (member === "value" && this.#values.has(name)) this.#usersNames.add(name);
    }
  }

  #warn(name: string, reason: string): void {
    const shown = name.length > 60 ? `${name.slice(0, 57)}...` : name;
    this.warnings.push(`The variable ${quoteText(shown)} is left out: ${reason}`);
  }
}

function deviceVariables(request: AppRequest, sources: EnvironmentSources): [name: string, value: string][] {
  const { config, lanAddress } = sources;
  return known([
    ["DEVICE_SERIAL_NUMBER", config.serialNumber],
    ["ENV", request.stage],
    ["DEVICE_KEY", `${config.deviceKey}`],
    ["SWARM_KEY", `${config.swarmKey}`],
    ["APP_KEY", `${request.appKey}`],
    ["APP_NAME", request.appName],
    ["DEVICE_NAME", config.name],
    ["DEVICE_ENDPOINT_URL", endpointForApps(config.endpointUrl)],
    ["TUNNEL_DOMAIN", tunnelDomain(config)],
    ["DEVICE_LAN_IP", lanAddress || undefined],
  ]);
}

function studioVariables(request: AppRequest, sources: EnvironmentSources): [name: string, value: string][] {
  const { config, baseUrl, credential } = sources;
  return known([
    ["APP_AUTH_ID", credential?.id],
    ["APP_AUTH_SECRET", credential?.secret],
    ["INSTANCE_KEY", request.instanceKey > 0 ? `${request.instanceKey}` : undefined],
    ["RESWARM_URL", baseUrl || undefined],
    ["DEVICE_URL", deviceUrl(config, baseUrl)],
  ]);
}

function known(all: readonly (readonly [name: string, value: string | undefined])[]): [name: string, value: string][] {
  return all.flatMap(([name, value]) => value === undefined ? [] : [[name, value]]);
}

/** By declared port. Of several with one number the one that comes last wins: of the first service, rather tcp. */
function inOrder(ports: readonly EnvironmentPort[]): EnvironmentPort[] {
  // Comparing by locale would load all of its tables.
  return [...ports].sort((a, b) =>
    a.port - b.port || compare(b.service ?? "", a.service ?? "") || compare(b.transport, a.transport)
  );
}

function compare(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
