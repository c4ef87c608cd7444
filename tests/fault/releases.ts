/** The app of the scenarios and its releases. */

import type { DeviceApp, InstalledRelease } from "../../scripts/studio/device_apps.ts";
import type { AppRecipe } from "../../scripts/testbed/images.ts";

const keys: Readonly<Record<string, number>> = { "1": 7, "2": 8, "dies": 9, "huge": 10 };

const volumes = ["/state"];

/** What each version does when it runs. */
export const recipes: Readonly<Record<string, AppRecipe>> = {
  "1": { volumes },
  "2": { volumes },
  "dies": { volumes, exitCode: 3 },
  "huge": { volumes, sizeMb: 100 },
};

/** The app as Studio knows it before the first request. */
export const newApp: DeviceApp = {
  appKey: 7,
  appName: "Shop",
  stage: "PROD",
  target: "REMOVED",
  current: "REMOVED",
  updateStatus: "",
  presentVersion: "1",
  newestVersion: "1",
  releaseKey: 7,
  newReleaseKey: 7,
  requestUpdate: false,
  requestorAccountKey: 1,
  environment: { LEVEL: { value: "info" } },
  environmentTemplate: {},
  ports: [{ port: 80, protocol: "tcp" }],
  dockerCompose: null,
  newDockerCompose: null,
  instanceKey: 0,
  appCredEpoch: 0,
};

/** The members of an app whose installed and newest version is this one. */
export function inVersion(version: string): Partial<DeviceApp> {
  const releaseKey = keyOf(version);
  return { presentVersion: version, newestVersion: version, releaseKey, newReleaseKey: releaseKey };
}

/** The members of a request for an update to a version. */
export function updateTo(version: string): Partial<DeviceApp> {
  return { newestVersion: version, newReleaseKey: keyOf(version), requestUpdate: true };
}

/** The release with a key; undefined when there is none. */
export function releaseOf(releaseKey: number): InstalledRelease | undefined {
  const version = Object.keys(keys).find((name) => keys[name] === releaseKey);
  return version === undefined ? undefined : { version, releaseKey, dockerCompose: null, environmentTemplate: {} };
}

function keyOf(version: string): number {
  const key = keys[version];
  if (key === undefined) throw new Error(`There is no version "${version}"`);
  return key;
}
