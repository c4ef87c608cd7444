/** The environment of an app: what the agent tells it, what its user set, and the defaults of its template. Pure. */

import type { AppRequest, PortRule } from "../../model/app.ts";
import { quoteText } from "../../base/quote.ts";
import { isDict } from "../../base/json.ts";
import { deviceUrl, endpointForApps, tunnelDomain } from "../../config/derived.ts";
import type { DeviceConfig } from "../../config/flock.ts";
import type { PublishedPort } from "./create_request.ts";
import type { AppCredential } from "./credential.ts";

/** What the agent tells an app of the device. What is undefined is not known, and not told. */
export interface AppSurroundings {
  config: DeviceConfig;
  lanAddress: string | undefined;
  /** Studio's address. */
  baseUrl: string | undefined;
  credential: AppCredential | undefined;
}

/** One variable. Its value has no line break and no tab. */
export interface Variable {
  name: string;
  value: string;
}

/** Remote ports of live tunnels, 0 for those that have none; by protocol and declared port, as in `tcp:502`. */
export type RemotePorts = ReadonlyMap<`${PortRule["protocol"]}:${number}`, number>;

/** Bytes of `NAME=value`. Longer variables reach the app as files only: the kernel limits what a process can be given. */
export const variableLimitBytes = 20_480;

/** Bytes of a name: each becomes a file `<NAME>.txt`, and file systems take 255. */
const nameLimitBytes = 251;

/** What the agent alone may set. */
const reservedNames: ReadonlySet<string> = new Set(["APP_AUTH_ID", "APP_AUTH_SECRET"]);

const encoder = new TextEncoder();

/**
 * All variables of an app, each name once, in the order in which they are laid over each other. DEV apps get neither what a
 * user set nor remote ports. An entry that cannot be used costs itself and one sentence in `warnings`, never the app; the
 * sentences hold no values.
 */
export function environmentOf(
  request: AppRequest,
  given: { surroundings: AppSurroundings; ports: readonly PublishedPort[]; remotePorts?: RemotePorts },
): { variables: Variable[]; warnings: string[] } {
  const layers = new Layers();
  for (const [name, value] of defaultsOf(request, given.surroundings)) layers.put(name, value);
  if (request.stage === "PROD") {
    layers.putEntries(request.environment, "value");
    for (const [name, port] of remotePortVariables(request.ports, given.remotePorts)) layers.putOpen(name, `${port}`);
    layers.putEntries(request.environmentTemplate, "defaultValue", { onlyMissing: true });
  } else {
    layers.putEntries(request.environmentTemplate, "defaultValue");
  }
  for (const { port, hostPort } of inOrder(given.ports)) layers.put(`DEVICE_PORT_FOR_${port}`, `${hostPort}`);
  return { variables: layers.variables(), warnings: layers.warnings };
}

/** The variables as a container takes them, without those that are too long. */
export function containerEnv(variables: readonly Variable[]): string[] {
  return variables
    .map(({ name, value }) => `${name}=${value}`)
    .filter((text) => encoder.encode(text).length <= variableLimitBytes);
}

/** True when a variable can have this name and a file too. */
export function isVariableName(name: string): boolean {
  return /^[^=/\\\p{Cc}]+$/u.test(name) && name.isWellFormed() && encoder.encode(name).length <= nameLimitBytes;
}

/** True for a name that only the agent may set. */
export function isReservedName(name: string): boolean {
  return reservedNames.has(name);
}

/** The names under which an app learns the remote port of a rule. The cloud port has the same names with `_CLOUD` behind. */
export function portNamesOf(rule: PortRule): string[] {
  const name = `REMOTE_PORT_FOR_${rule.port}`;
  return rule.remotePortEnvironment === "" ? [name] : [name, rule.remotePortEnvironment];
}

/** Variables laid over each other; the later of two with one name wins. */
class Layers {
  readonly warnings: string[] = [];
  readonly #values = new Map<string, string>();

  variables(): Variable[] {
    return [...this.#values].map(([name, value]) => ({ name, value }));
  }

  put(name: string, value: string): void {
    this.#values.delete(name);
    this.#values.set(
      name,
      value.replaceAll("\n", "\\n").replaceAll("\t", "\\t").replaceAll("\r", "\\r").toWellFormed(),
    );
  }

  /** For names and values from outside. */
  putOpen(name: string, value: string): void {
    if (!isVariableName(name)) this.#warn(name, "its name cannot be one of a variable");
    else if (isReservedName(name)) this.#warn(name, "its name is reserved");
    else if (value.includes("\0")) this.#warn(name, "its value has a NUL character");
    else this.put(name, value);
  }

  /** `{NAME: {<member>: value}}`; a default that is null or absent is none, a value that is so is empty. */
  putEntries(
    entries: Record<string, unknown>,
    member: "value" | "defaultValue",
    { onlyMissing = false }: { onlyMissing?: boolean } = {},
  ): void {
    for (const [name, entry] of Object.entries(entries)) {
      if (onlyMissing && this.#values.has(name)) continue;
      if (!isDict(entry)) {
        this.#warn(name, "its entry is not an object");
        continue;
      }
      const value = Object.hasOwn(entry, member) ? entry[member] ?? null : null;
      if (value === null && member === "defaultValue") continue;
      const text = textOf(value);
      if (text === undefined) this.#warn(name, "its value cannot be written as text");
      else this.putOpen(name, text);
    }
  }

  #warn(name: string, reason: string): void {
    const shown = name.length > 60 ? `${name.slice(0, 57)}...` : name;
    this.warnings.push(`The variable ${quoteText(shown)} is left out: ${reason}`);
  }
}

function defaultsOf(request: AppRequest, { config, ...known }: AppSurroundings): [name: string, value: string][] {
  const page = deviceUrl(config, known.baseUrl);
  const all: [name: string, value: string | undefined][] = [
    ["DEVICE_SERIAL_NUMBER", config.serialNumber],
    ["ENV", request.stage],
    ["DEVICE_KEY", `${config.deviceKey}`],
    ["SWARM_KEY", `${config.swarmKey}`],
    ["APP_KEY", `${request.appKey}`],
    ["APP_NAME", request.appName],
    ["DEVICE_NAME", config.name],
    ["DEVICE_ENDPOINT_URL", endpointForApps(config.endpointUrl)],
    ["TUNNEL_DOMAIN", tunnelDomain(config)],
    ["APP_AUTH_ID", known.credential?.id],
    ["APP_AUTH_SECRET", known.credential?.secret],
    ["DEVICE_LAN_IP", known.lanAddress || undefined],
    ["INSTANCE_KEY", request.instanceKey > 0 ? `${request.instanceKey}` : undefined],
    ["RESWARM_URL", known.baseUrl || undefined],
    ["DEVICE_URL", page],
  ];
  return all.flatMap(([name, value]) => value === undefined ? [] : [[name, value]]);
}

function remotePortVariables(
  rules: readonly PortRule[],
  remotePorts: RemotePorts | undefined,
): [name: string, port: number][] {
  return rules.flatMap((rule) => {
    const remotePort = remotePorts?.get(`${rule.protocol}:${rule.port}`);
    return portNamesOf(rule).flatMap((name): [string, number][] => [
      ...(remotePort === undefined ? [] : [[name, remotePort] satisfies [string, number]]),
      ...(rule.cloudRemotePort > 0 ? [[`${name}_CLOUD`, rule.cloudRemotePort] satisfies [string, number]] : []),
    ]);
  });
}

/** By declared port; of two with one number the tcp one is last and wins. */
function inOrder(ports: readonly PublishedPort[]): PublishedPort[] {
  // Comparing by locale would load all of its tables.
  return [...ports].sort((a, b) => a.port - b.port || (a.transport < b.transport ? 1 : -1));
}

/** Undefined when the value has no text. Lists and objects are written as JSON. */
function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return decimalText(value);
    case "boolean":
      return `${value}`;
    default:
      return value === null ? "" : jsonText(value);
  }
}

/** A number without an exponent, whatever its size. */
function decimalText(value: number): string {
  if (Number.isInteger(value)) return `${BigInt(value)}`;
  const [, sign = "", whole = "", rest = "", exponent] = /^(-?)(\d)(?:\.(\d+))?e-(\d+)$/.exec(`${value}`) ?? [];
  return exponent === undefined ? `${value}` : `${sign}0.${"0".repeat(Number(exponent) - 1)}${whole}${rest}`;
}

function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // Cyclic or too deep: nothing that came as JSON, and nothing that a variable could hold.
    return undefined;
  }
}
