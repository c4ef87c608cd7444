/**
 * Makes of the definition that an author wrote the one that runs on this device: with the variables and files of the
 * app, with host ports that the agent has chosen, and with images from the device's own registry. Pure.
 */

import { AgentError } from "../../base/errors.ts";
import { type Dict, isDict } from "../../base/json.ts";
import { certsTarget } from "../container/site_variables.ts";
import { serviceEntries } from "./definition.ts";
import { hasOwnPorts, parsePortEntry, type ServicePort } from "./port_entries.ts";
import { relocateImage, type StoreImages } from "./store_images.ts";

/** The name of the file with the variables of the app, next to the definition. */
export const envFileName = ".env-compose";

/** What a definition is rewritten with. */
export interface RewriteOptions {
  /** The name of the project, as compose spells it. */
  project: string;
  /** The folder of the host with the variables as files. Absolute. */
  envDir: string;
  /** The folder of the host with the certificates of the site; undefined when there are none. Absolute. */
  certsDir: string | undefined;
  store: StoreImages;
  /** The host ports of the entries in the definition; an entry without one stays as it is. */
  ports: readonly ServicePort[];
  /** Whether a file of variables that a service names is there; without the option all are. */
  hasEnvFile?(path: string): boolean;
}

/**
 * The definition as it runs on the device, as a copy. A definition that was rewritten already stays as it is. Parts of
 * unknown shapes are left alone, because compose explains best what is wrong with them. Throws `bad_definition` when
 * `services` is not an object of objects, and for one that is nested too deeply.
 */
export function rewriteDefinition(definition: Dict, options: RewriteOptions): Dict {
  const isRewritten = definition["name"] === options.project;
  const services = serviceEntries(definition).map(([name, service]) =>
    [name, rewriteService(service, { ...options, ports: isRewritten ? [] : portsOf(name, options.ports) })] as const
  );
  const rewritten = { ...definition, name: options.project, services: Object.fromEntries(services) };
  return withinDepth(() => structuredClone(rewritten));
}

/**
 * The definition as the text of its file: compact, with sorted keys, without a final line break. Throws
 * `bad_definition` for one that is nested too deeply.
 */
export function definitionText(definition: Dict): string {
  return withinDepth(() => JSON.stringify(sorted(definition)));
}

/** The files of variables that services name, besides the agent's own. */
export function authoredEnvFiles(definition: Dict): string[] {
  const all = serviceEntries(definition).flatMap(([, { env_file: files }]) => Array.isArray(files) ? files : [files]);
  return [...new Set(all.flatMap((file) => envFilePath(file) ?? []).filter((path) => path !== envFileName))];
}

function withinDepth<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new AgentError("bad_definition", "Cannot write the compose file: it is nested too deeply", { cause: error });
  }
}

function rewriteService(service: Dict, options: RewriteOptions): Dict {
  const { image, ports } = service;
  return {
    ...service,
    ...(typeof image === "string" ? { image: relocateImage(image, options.store) } : {}),
    env_file: withEnvFile(service["env_file"], options),
    ...(mayHaveHosts(service) ? { extra_hosts: withHost(service["extra_hosts"]) } : {}),
    volumes: withFolders(service, options),
    ...(Array.isArray(ports) && hasOwnPorts(service) ? { ports: withChosenPorts(ports, options.ports) } : {}),
  };
}

function portsOf(service: string, ports: readonly ServicePort[]): ServicePort[] {
  return ports.filter((port) => port.service === service);
}

/** First, so that files of the author's go before the variables of the app. */
function withEnvFile(files: unknown, { hasEnvFile = () => true }: RewriteOptions): unknown {
  if (files === undefined || files === null || files === envFileName) return envFileName;
  if (typeof files !== "string" && !Array.isArray(files)) return files;
  const authored: unknown[] = (Array.isArray(files) ? files : [files]).filter((file) => {
    const path = envFilePath(file);
    return path !== envFileName && (path === undefined || hasEnvFile(path));
  });
  return Array.isArray(files) || authored.length > 0 ? [envFileName, ...authored] : envFileName;
}

/** Undefined for what is no path, or depends on variables. */
function envFilePath(file: unknown): string | undefined {
  const path = isDict(file) ? file["path"] : file;
  return typeof path === "string" && path !== "" && !path.includes("$") ? path : undefined;
}

const hostName = "host.docker.internal";

/** The engine refuses hosts of a container that uses the network of another one. */
function mayHaveHosts({ network_mode: mode }: Dict): boolean {
  return typeof mode !== "string" || !/^(?:service|container):/.test(mode);
}

function withHost(hosts: unknown): unknown {
  const entry = `${hostName}:host-gateway`;
  if (hosts === undefined || hosts === null) return [entry];
  if (Array.isArray(hosts)) {
    const isThere = hosts.some((host) => typeof host === "string" && host.startsWith(hostName));
    return isThere ? hosts : [...hosts, entry];
  }
  return isDict(hosts) && !Object.hasOwn(hosts, hostName) ? { ...hosts, [hostName]: "host-gateway" } : hosts;
}

function withFolders(service: Dict, { envDir, certsDir }: RewriteOptions): unknown {
  const volumes = service["volumes"] ?? [];
  if (!Array.isArray(volumes)) return volumes;
  const wanted = [
    { source: envDir, target: "/data/env" },
    ...(certsDir === undefined ? [] : [{ source: certsDir, target: certsTarget }]),
  ];
  const missing = wanted.filter(({ target }) => !mountTargets(service).some((one) => isWithin(one, target)));
  return [...volumes, ...missing.map(folderEntry)];
}

/** Where a service mounts something. */
function mountTargets({ volumes, tmpfs }: Dict): string[] {
  const targets = (Array.isArray(volumes) ? volumes : []).flatMap((volume) => {
    if (isDict(volume)) return volume["target"];
    const parts = typeof volume === "string" ? volume.split(":") : [];
    // Alone it is the target of an anonymous volume; else the source, which may have a colon, comes before it.
    return parts.length > 1 ? parts.slice(1) : parts;
  });
  const temporary = (Array.isArray(tmpfs) ? tmpfs : [tmpfs]).map((path) => `${path}`.split(":")[0]);
  return [...targets, ...temporary].filter((target) => typeof target === "string");
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** The short form is that of older agents, but splits a path at its colons. */
function folderEntry({ source, target }: { source: string; target: string }): unknown {
  const path = source.replaceAll("$", "$$$$");
  if (/^(?:[A-Za-z]:[\\/])?[^:]*$/.test(path)) return `${path}:${target}:ro`;
  return { type: "bind", source: path, target, read_only: true };
}

/** Compose refuses a list that has an entry twice, such as one port on two addresses of the host. */
function withChosenPorts(entries: readonly unknown[], ports: readonly ServicePort[]): unknown[] {
  const shown = new Set<string>();
  return entries.flatMap((entry) => {
    const parsed = parsePortEntry(entry);
    const found = parsed &&
      ports.find((port) =>
        port.port === parsed.port && port.containerPort === parsed.containerPort && port.transport === parsed.transport
      );
    if (found === undefined) return [entry];
    const rewritten = withChosenPort(entry, found);
    const text = JSON.stringify(sorted(rewritten));
    if (shown.has(text)) return [];
    shown.add(text);
    return [rewritten];
  });
}

function withChosenPort(entry: unknown, { containerPort, transport, hostPort }: ServicePort): unknown {
  if (isDict(entry)) return { ...entry, published: `${hostPort}`, host_ip: "0.0.0.0" };
  return `0.0.0.0:${hostPort}:${containerPort}${transport === "udp" ? "/udp" : ""}`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isDict(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])]));
}
