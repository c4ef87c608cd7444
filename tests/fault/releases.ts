/** The app of the scenarios and its releases. */

import type { DeviceApp, InstalledRelease } from "../../scripts/studio/device_apps.ts";
import type { Dict } from "../../lib/base/json.ts";
import type { AppRecipe } from "../../scripts/testbed/images.ts";

const keys: Readonly<Record<string, number>> = {
  ...{ "1": 7, "2": 8, "dies": 9, "huge": 10 },
  ...{ "c1": 11, "c2": 12, "cdies": 13, "cnamed": 14 },
};

const volumes = ["/state"];

/** What each version does when it runs. */
export const recipes: Readonly<Record<string, AppRecipe>> = {
  "1": { volumes },
  "2": { volumes },
  "dies": { volumes, exitCode: 3 },
  "huge": { volumes, sizeMb: 100 },
};

/** The images of the releases of several services, by the name below `apps/prod_amd64_7_shop_`. */
export const serviceRecipes: Readonly<Record<string, AppRecipe>> = {
  "web:c1": {},
  "web:c2": {},
  "db:1": {},
  "bad:cdies": { exitCode: 3 },
  // The images of the store of an app with either name.
  "7_renamed_web:cnamed": {},
  "7_renamed_db:1": {},
};

/** The compose file of each release of several services. */
export const definitions: Readonly<Record<string, Dict>> = {
  "c1": definitionOf({ web: { image: imageOf("web:c1"), ports: ["8080:80"] } }),
  "c2": definitionOf({ web: { image: imageOf("web:c2"), ports: ["8080:80"] } }),
  "cdies": definitionOf({ web: { image: imageOf("bad:cdies") } }),
  "cnamed": definitionOf({ web: { image: imageOf("7_renamed_web:cnamed") }, db: { image: imageOf("7_renamed_db:1") } }),
};

/** The version that a DEV app is published as. */
export const publishedVersion = "1.0.0";

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
  const dockerCompose = definitions[version] ?? null;
  return { presentVersion: version, newestVersion: version, releaseKey, newReleaseKey: releaseKey, dockerCompose };
}

/** The members of a request for an update to a version. */
export function updateTo(version: string): Partial<DeviceApp> {
  const newDockerCompose = definitions[version] ?? null;
  return { newestVersion: version, newReleaseKey: keyOf(version), requestUpdate: true, newDockerCompose };
}

/** The release with a key; undefined when there is none. */
export function releaseOf(releaseKey: number): InstalledRelease | undefined {
  const version = Object.keys(keys).find((name) => keys[name] === releaseKey);
  if (version === undefined) return undefined;
  return { version, releaseKey, dockerCompose: definitions[version] ?? null, environmentTemplate: {} };
}

function keyOf(version: string): number {
  const key = keys[version];
  if (key === undefined) throw new Error(`There is no version "${version}"`);
  return key;
}

/** The device knows its registry by another name. */
function imageOf(name: string): string {
  return `registry.example.com/apps/prod_amd64_7_shop_${name}`;
}

function definitionOf(services: Dict): Dict {
  const db = { image: imageOf("db:1"), volumes: ["data:/state"] };
  return { services: { db, ...services }, volumes: { data: {} } };
}
