/** The request that creates the container of an app, as the engine's API spells it. Pure. */

import type { AppId } from "../../model/app.ts";
import { labelsOfApp } from "../../model/labels.ts";
import { dictField } from "../../docker/decode.ts";
import type { CreateRequest } from "../../docker/engine.ts";

/** A declared port of an app, which is that of its container, and where the host publishes it. */
export interface PublishedPort {
  port: number;
  transport: "tcp" | "udp";
  hostPort: number;
}

/** What distinguishes the container of one app from others. */
export interface ContainerOptions {
  /** With a tag. */
  image: string;
  app: { id: AppId; appName: string; version: string; releaseKey: number };
  /** `NAME=value`. */
  env: readonly string[];
  ports: readonly PublishedPort[];
  /** Folders of the host, in the order in which they are mounted. */
  mounts: readonly { source: string; target: string; isReadOnly?: boolean }[];
  withGpu: boolean;
}

/**
 * The request that creates the container of an app. Apps own the machine they run on: they are privileged and see its
 * devices. The agent restarts them itself, so the engine must not.
 */
export function createRequest(options: ContainerOptions): CreateRequest {
  return {
    Image: options.image,
    Env: [...options.env],
    Labels: labelsOfApp(options.app),
    Tty: true,
    // A developer may attach to the app.
    ...(options.app.id.stage === "DEV" ? attached : {}),
    ExposedPorts: Object.fromEntries(options.ports.map((port) => [portName(port), {}])),
    HostConfig: {
      RestartPolicy: { Name: "no" },
      Privileged: true,
      CapAdd: ["ALL"],
      NetworkMode: "bridge",
      Devices: [{ PathOnHost: "/dev", PathInContainer: "/dev", CgroupPermissions: "" }],
      ExtraHosts: ["host.docker.internal:host-gateway"],
      PortBindings: Object.fromEntries(
        options.ports.map((port) => [portName(port), [{ HostIp: "0.0.0.0", HostPort: `${port.hostPort}` }]]),
      ),
      Mounts: options.mounts.map(({ source, target, isReadOnly = false }) => ({
        Type: "bind",
        Source: source,
        Target: target,
        ...(isReadOnly ? { ReadOnly: true } : {}),
      })),
      ...(options.withGpu ? { Runtime: "nvidia" } : {}),
    },
  };
}

/** The same container with the users of the device, on an engine that gives containers others. */
export function withHostUsers(body: CreateRequest): CreateRequest {
  return { ...body, HostConfig: { ...dictField(body.HostConfig), UsernsMode: "host" } };
}

const attached = { OpenStdin: true, AttachStdin: true, AttachStdout: true, AttachStderr: true, Volumes: {} };

function portName({ port, transport }: PublishedPort): string {
  return `${port}/${transport}`;
}
