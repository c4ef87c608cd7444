/**
 * Decodes what the engine reports about containers and images. Members that an engine lacks become empty, never an
 * error. Pure.
 */

import { AgentError } from "../base/errors.ts";
import { type Dict, isDict, show } from "../base/json.ts";

/** A container as inspect reports it. */
export interface ContainerDetails {
  id: string;
  /** Without the leading slash. */
  name: string;
  /** `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
  status: string;
  exitCode: number;
  /** Why the engine could not start it or keep it running; empty when nothing failed. */
  error: string;
  oomKilled: boolean;
  /** Its first process, numbered as on the engine's machine; 0 while it is not running. */
  pid: number;
  /** RFC 3339; the year 1 when it never started. Together with `id` it identifies one run. */
  startedAt: string;
  finishedAt: string;
  /** `bridge`, `default`, `host`, … */
  networkMode: string;
  /** By `<port>/<protocol>`, as requested at creation. */
  portBindings: Record<string, PortBinding[]>;
  /** The reference it was created from. */
  image: string;
  /** `sha256:…` */
  imageId: string;
  /** As its image or its creator wrote it: `SIGQUIT`, `3`, `RTMIN+3`; empty for SIGTERM. */
  stopSignal: string;
  /** What its creator allows between that signal and SIGKILL; negative for without end. */
  stopTimeoutSeconds: number | undefined;
  /** The volumes that are mounted into it. */
  volumes: MountedVolume[];
  /** Where it sees anything that is mounted, as the engine spells it. */
  mountTargets: string[];
  env: string[];
  labels: Record<string, string>;
  /** It has a terminal, so its log is one raw stream. */
  tty: boolean;
  /** How the engine keeps its log: `json-file`, `none`, …; empty when it does not say. */
  logDriver: string;
  /** Absent without a health check. */
  health?: { status: HealthStatus; output: string };
}

/** A volume in a container. */
export interface MountedVolume {
  name: string;
  /** Where the container sees it. */
  target: string;
}

/** Where a port of a container is published. */
export interface PortBinding {
  /** Empty for all addresses. */
  hostIp: string;
  /** 0 lets the engine choose. */
  hostPort: number;
}

/** A container as a list reports it. */
export interface ContainerSummary {
  id: string;
  /** Without the leading slash. */
  names: string[];
  /** As `ContainerDetails.status`. */
  state: string;
  image: string;
  labels: Record<string, string>;
  /** Where its ports are published at this moment, by `<port>/<protocol>`; nothing while it is not running. */
  published: Record<string, PortBinding[]>;
  /** `sha256:…` */
  imageId?: string;
  /** Of its last run; absent while it runs, and when the list does not tell. */
  exitCode?: number;
  /** The verdict of its health check; absent without one, and while it does not run. */
  health?: HealthStatus;
}

/** The verdict of a health check. */
export type HealthStatus = "starting" | "healthy" | "unhealthy";

/**
 * An image as a list reports it. Numbers that the engine does not report are undefined; −1 means that it did not count.
 */
export interface ImageSummary {
  id: string;
  repoTags: string[];
  /** By which it was pulled: `<repository>@sha256:…`. */
  repoDigests?: string[];
  labels: Record<string, string>;
  /** Seconds since 1970. */
  created: number | undefined;
  /** Bytes. */
  size: number | undefined;
  sharedSize: number | undefined;
  virtualSize: number | undefined;
  containers: number | undefined;
}

/** An image as inspect reports it. */
export interface ImageDetails extends EnginePlatform {
  /** Of the manifests by which it was pulled: `sha256:…`; none for an image that was built here. */
  digests: string[];
  /** The paths that it declares as volumes, as it spells them. */
  volumes: string[];
  /** What it allows between the stop signal and SIGKILL, if it says so; negative for without end. */
  stopTimeoutSeconds: number | undefined;
}

/** The platform of a program, as the engine spells it: `linux`, `amd64`. */
export interface EnginePlatform {
  os: string;
  architecture: string;
}

/** Members of a container's config that the engine chose for this one container. */
const perContainerMembers: ReadonlySet<string> = new Set(["Hostname", "Domainname"]);

/** The body that creates the same container again, from an answer of inspect. */
export function decodeSettings(value: unknown): Dict {
  const wire = dictField(value);
  const config = Object.entries(dictField(wire.Config)).filter(([name]) => !perContainerMembers.has(name));
  return { ...Object.fromEntries(config), HostConfig: dictField(wire.HostConfig) };
}

/** Decodes an answer of inspect. Throws `engine_failed` when it is not a container. */
export function decodeContainer(value: unknown): ContainerDetails {
  const wire = dictField(value);
  const id = textField(wire.Id);
  if (id === "") throw new AgentError("engine_failed", `Cannot read container: Id must be text, got ${show(wire.Id)}`);
  const state = dictField(wire.State);
  const config = dictField(wire.Config);
  const host = dictField(wire.HostConfig);
  return {
    id,
    name: withoutSlash(textField(wire.Name)),
    status: textField(state.Status),
    exitCode: numberField(state.ExitCode) ?? 0,
    error: textField(state.Error),
    oomKilled: state.OOMKilled === true,
    pid: numberField(state.Pid) ?? 0,
    startedAt: textField(state.StartedAt),
    finishedAt: textField(state.FinishedAt),
    networkMode: textField(host.NetworkMode),
    portBindings: Object.fromEntries(
      Object.entries(dictField(host.PortBindings)).map((
        [port, bindings],
      ) => [port, listField(bindings).map(decodeBinding)]),
    ),
    image: textField(config.Image),
    imageId: textField(wire.Image),
    stopSignal: textField(config.StopSignal),
    stopTimeoutSeconds: numberField(config.StopTimeout),
    volumes: listField(wire.Mounts).flatMap(decodeVolumeMount),
    mountTargets: listField(wire.Mounts).map((mount) => textField(dictField(mount).Destination)).filter(Boolean),
    env: textsOf(config.Env),
    labels: labelsOf(config.Labels),
    tty: config.Tty === true,
    logDriver: textField(dictField(host.LogConfig).Type),
    ...healthOf(state),
  };
}

/** Decodes one entry of the container list; undefined when it has no id. */
export function decodeSummary(value: unknown): ContainerSummary | undefined {
  const wire = dictField(value);
  const id = textField(wire.Id);
  if (id === "") return undefined;
  return {
    id,
    names: textsOf(wire.Names).map(withoutSlash),
    state: textField(wire.State),
    image: textField(wire.Image),
    labels: labelsOf(wire.Labels),
    published: publishedOf(wire.Ports),
    ...statusDetails(wire),
  };
}

/** Decodes one entry of the image list; undefined when it has no id. */
export function decodeImage(value: unknown): ImageSummary | undefined {
  const wire = dictField(value);
  const id = textField(wire.Id);
  if (id === "") return undefined;
  return {
    id,
    // Engines before 24 write this for an image without a tag.
    repoTags: textsOf(wire.RepoTags).filter((tag) => tag !== "<none>:<none>"),
    ...(Array.isArray(wire.RepoDigests) ? { repoDigests: textsOf(wire.RepoDigests) } : {}),
    labels: labelsOf(wire.Labels),
    created: numberField(wire.Created),
    size: numberField(wire.Size),
    sharedSize: numberField(wire.SharedSize),
    virtualSize: numberField(wire.VirtualSize),
    containers: numberField(wire.Containers),
  };
}

/** Decodes an answer of inspect about an image. */
export function decodeImageDetails(value: unknown): ImageDetails {
  const wire = dictField(value);
  const digests = textsOf(wire.RepoDigests).map((name) => name.slice(name.indexOf("@") + 1));
  const config = dictField(wire.Config);
  return {
    os: textField(wire.Os),
    architecture: textField(wire.Architecture),
    digests,
    volumes: Object.keys(dictField(config.Volumes)),
    stopTimeoutSeconds: numberField(config.StopTimeout),
  };
}

/** The members of `value` when it is an object; nothing otherwise. */
export function dictField(value: unknown): Dict {
  return isDict(value) ? value : {};
}

/** The entries of `value` when it is a list; none otherwise. */
export function listField(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** `value` when it is text; the empty text otherwise. */
export function textField(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** `value` when it is a number; undefined otherwise. */
export function numberField(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** What only the text for people has: `Exited (3) 2 hours ago`, `Up 7 seconds (unhealthy)`. */
function statusDetails(wire: Dict): Pick<ContainerSummary, "imageId" | "exitCode" | "health"> {
  const [text, imageId] = [textField(wire.Status), textField(wire.ImageID)];
  const [, exitCode] = /^(?:Exited|Restarting) \((\d+)\)/.exec(text) ?? [];
  const [, health] = /\((?:health: )?(starting|healthy|unhealthy)\)/.exec(text) ?? [];
  return {
    ...(imageId === "" ? {} : { imageId }),
    ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }),
    ...(isHealthStatus(health) ? { health } : {}),
  };
}

function healthOf(state: Dict): Pick<ContainerDetails, "health"> {
  const health = dictField(state.Health);
  const status = health.Status;
  if (!isHealthStatus(status)) return {};
  return { health: { status, output: textField(dictField(listField(health.Log).at(-1)).Output).trim() } };
}

function isHealthStatus(value: unknown): value is HealthStatus {
  return value === "starting" || value === "healthy" || value === "unhealthy";
}

function textsOf(value: unknown): string[] {
  return listField(value).filter((entry) => typeof entry === "string");
}

function labelsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(dictField(value)).map(([name, label]) => [name, textField(label)]));
}

function decodeVolumeMount(value: unknown): MountedVolume[] {
  const wire = dictField(value);
  const [name, target] = [textField(wire.Name), textField(wire.Destination)];
  return wire.Type === "volume" && name !== "" && target !== "" ? [{ name, target }] : [];
}

function decodeBinding(value: unknown): PortBinding {
  const wire = dictField(value);
  const port = textField(wire.HostPort);
  return { hostIp: textField(wire.HostIp), hostPort: /^\d+$/.test(port) ? Number(port) : 0 };
}

function publishedOf(value: unknown): Record<string, PortBinding[]> {
  const published: Record<string, PortBinding[]> = {};
  for (const wire of listField(value).map(dictField)) {
    const [port, hostPort] = [numberField(wire.PrivatePort), numberField(wire.PublicPort)];
    if (port === undefined || hostPort === undefined) continue;
    (published[`${port}/${textField(wire.Type)}`] ??= []).push({ hostIp: textField(wire.IP), hostPort });
  }
  return published;
}

function withoutSlash(name: string): string {
  return name.startsWith("/") ? name.slice(1) : name;
}
