/** The container of an app as the engine's API spells it. Pure. */

import type { AppId } from "../../model/app.ts";
import { labelsOfApp } from "../../model/labels.ts";
import type { CreateRequest } from "../../docker/engine.ts";

/** A declared port of an app, and where the host publishes it. The container's port is the declared one. */
export interface PublishedPort {
  port: number;
  transport: "tcp" | "udp";
  hostPort: number;
}

/** What a container is made from. */
export interface ContainerOptions {
  /** With a tag. */
  image: string;
  app: { id: AppId; appName: string; version: string; releaseKey: number };
  /** `NAME=value`. */
  env: readonly string[];
  ports: readonly PublishedPort[];
  /** Folders of the host, in the order in which they are mounted. */
  mounts: readonly { source: string; target: string }[];
  withGpu: boolean;
}

/**
 * The request that creates the container of an app. Apps own the machine they run on: they are privileged and see its devices.
 * The agent restarts them itself, so the engine must not.
 */
export function createRequest(facts: ContainerOptions): CreateRequest {
  return {
    Image: facts.image,
    Env: [...facts.env],
    Labels: labelsOfApp(facts.app),
    Tty: true,
    // A developer may attach to the app.
    ...(facts.app.id.stage === "DEV" ? attached : {}),
    ExposedPorts: Object.fromEntries(facts.ports.map((port) => [portName(port), {}])),
    HostConfig: {
      RestartPolicy: { Name: "no" },
      Privileged: true,
      CapAdd: ["ALL"],
      NetworkMode: "bridge",
      Devices: [{ PathOnHost: "/dev", PathInContainer: "/dev", CgroupPermissions: "" }],
      ExtraHosts: ["host.docker.internal:host-gateway"],
      PortBindings: Object.fromEntries(
        facts.ports.map((port) => [portName(port), [{ HostIp: "0.0.0.0", HostPort: `${port.hostPort}` }]]),
      ),
      Mounts: facts.mounts.map(({ source, target }) => ({ Type: "bind", Source: source, Target: target })),
      ...(facts.withGpu ? { Runtime: "nvidia" } : {}),
    },
  };
}

const attached = { OpenStdin: true, AttachStdin: true, AttachStdout: true, AttachStderr: true, Volumes: {} };

function portName({ port, transport }: PublishedPort): string {
  return `${port}/${transport}`;
}
