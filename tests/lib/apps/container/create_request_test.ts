import assert from "node:assert/strict";
import { type ContainerOptions, createRequest } from "../../../../lib/apps/container/create_request.ts";

const prod: ContainerOptions = {
  image: "registry.ironflock.com/apps/prod_arm64_71_fan_ctl:1.4.0",
  app: { id: { appKey: 71, stage: "PROD" }, appName: "Fan_Ctl", version: "1.4.0", releaseKey: 9 },
  env: ["ENV=PROD", "MOTTO=a b=c"],
  ports: [
    { port: 8080, transport: "tcp", hostPort: 40_000 },
    { port: 53, transport: "udp", hostPort: 40_001 },
    { port: 53, transport: "tcp", hostPort: 40_002 },
  ],
  mounts: [
    { source: "/opt/reagent/apps/shared", target: "/shared" },
    { source: "/opt/reagent/apps/prod/fan_ctl", target: "/data" },
    { source: "/usr/local/cuda", target: "/usr/local/cuda" },
  ],
  withGpu: true,
};

const dev: ContainerOptions = {
  image: "registry.ironflock.com/apps/dev_arm64_71_fan_ctl",
  app: { id: { appKey: 71, stage: "DEV" }, appName: "Fan_Ctl", version: "", releaseKey: 0 },
  env: ["ENV=DEV"],
  ports: [{ port: 8080, transport: "tcp", hostPort: 8080 }],
  mounts: [
    { source: "/opt/reagent/apps/shared", target: "/shared" },
    { source: "/opt/reagent/apps/dev/fan_ctl", target: "/data" },
  ],
  withGpu: false,
};

const prodJson = `{
  "Image": "registry.ironflock.com/apps/prod_arm64_71_fan_ctl:1.4.0",
  "Env": ["ENV=PROD", "MOTTO=a b=c"],
  "Labels": {
    "real": "True",
    "reagent.app-key": "71",
    "reagent.app-name": "Fan_Ctl",
    "reagent.stage": "PROD",
    "reagent.version": "1.4.0",
    "reagent.release-key": "9"
  },
  "Tty": true,
  "ExposedPorts": { "8080/tcp": {}, "53/udp": {}, "53/tcp": {} },
  "HostConfig": {
    "RestartPolicy": { "Name": "no" },
    "Privileged": true,
    "CapAdd": ["ALL"],
    "NetworkMode": "bridge",
    "Devices": [{ "PathOnHost": "/dev", "PathInContainer": "/dev", "CgroupPermissions": "" }],
    "ExtraHosts": ["host.docker.internal:host-gateway"],
    "PortBindings": {
      "8080/tcp": [{ "HostIp": "0.0.0.0", "HostPort": "40000" }],
      "53/udp": [{ "HostIp": "0.0.0.0", "HostPort": "40001" }],
      "53/tcp": [{ "HostIp": "0.0.0.0", "HostPort": "40002" }]
    },
    "Mounts": [
      { "Type": "bind", "Source": "/opt/reagent/apps/shared", "Target": "/shared" },
      { "Type": "bind", "Source": "/opt/reagent/apps/prod/fan_ctl", "Target": "/data" },
      { "Type": "bind", "Source": "/usr/local/cuda", "Target": "/usr/local/cuda" }
    ],
    "Runtime": "nvidia"
  }
}`;

const devJson = `{
  "Image": "registry.ironflock.com/apps/dev_arm64_71_fan_ctl",
  "Env": ["ENV=DEV"],
  "Labels": {
    "real": "True",
    "reagent.app-key": "71",
    "reagent.app-name": "Fan_Ctl",
    "reagent.stage": "DEV",
    "reagent.version": "",
    "reagent.release-key": "0"
  },
  "Tty": true,
  "OpenStdin": true,
  "AttachStdin": true,
  "AttachStdout": true,
  "AttachStderr": true,
  "Volumes": {},
  "ExposedPorts": { "8080/tcp": {} },
  "HostConfig": {
    "RestartPolicy": { "Name": "no" },
    "Privileged": true,
    "CapAdd": ["ALL"],
    "NetworkMode": "bridge",
    "Devices": [{ "PathOnHost": "/dev", "PathInContainer": "/dev", "CgroupPermissions": "" }],
    "ExtraHosts": ["host.docker.internal:host-gateway"],
    "PortBindings": { "8080/tcp": [{ "HostIp": "0.0.0.0", "HostPort": "8080" }] },
    "Mounts": [
      { "Type": "bind", "Source": "/opt/reagent/apps/shared", "Target": "/shared" },
      { "Type": "bind", "Source": "/opt/reagent/apps/dev/fan_ctl", "Target": "/data" }
    ]
  }
}`;

/** The request as sent, so that an undefined member or another order shows. */
function bodyOf(options: ContainerOptions): string {
  return JSON.stringify(createRequest(options));
}

Deno.test("M25, M36: createRequest() returns exactly this for a PROD app with a GPU", () => {
  assert.equal(bodyOf(prod), JSON.stringify(JSON.parse(prodJson)));
});

Deno.test("createRequest() returns exactly this for a DEV app", () => {
  assert.equal(bodyOf(dev), JSON.stringify(JSON.parse(devJson)));
});

Deno.test("createRequest() publishes nothing for an app without ports", () => {
  const { ExposedPorts, HostConfig } = JSON.parse(bodyOf({ ...dev, ports: [] }));
  assert.deepEqual([ExposedPorts, HostConfig.PortBindings], [{}, {}]);
});
