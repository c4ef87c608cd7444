/** The apps of the local Studio and their releases. */

import { AgentError } from "../../lib/base/errors.ts";
import { type Dict, isDict } from "../../lib/base/json.ts";
import { jsonColumn, numberColumn, type Store, type StoredRow, textColumn } from "./store.ts";

/** An app. Its name is unique. */
export interface App {
  appKey: number;
  name: string;
}

/** One version of an app. Keys increase across all apps; a release with a higher key is newer. */
export interface Release {
  releaseKey: number;
  appKey: number;
  version: string;
  /** Not null for a compose app. */
  dockerCompose: Dict | null;
  /** `{NAME: {defaultValue}}`. */
  environmentTemplate: Dict;
}

/** The optional members of a release. */
export interface ReleaseOptions {
  releaseKey?: number;
  dockerCompose?: Dict | null;
  environmentTemplate?: Dict;
}

/** The app with a name, added if there is none. Throws `bad_request` for an invalid name or key. */
export function ensureApp(store: Store, name: string, { appKey }: { appKey?: number | undefined } = {}): App {
  const known = findApp(store, name);
  if (known !== undefined) {
    if (appKey === undefined || appKey === known.appKey) return known;
    throw new AgentError("bad_request", `The app "${name}" already has the key ${known.appKey}`);
  }
  // The name becomes part of topics, image references and container names.
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(name)) {
    throw new AgentError("bad_request", `"${name}" cannot name an app; use letters, digits, _ and -`);
  }
  if (appKey !== undefined && store.first("SELECT 1 FROM apps WHERE app_key = ?", appKey) !== undefined) {
    throw new AgentError("bad_request", `There is another app with the key ${appKey}`);
  }
  store.run("INSERT INTO apps VALUES (?, ?)", appKey ?? null, name);
  return appByName(store, name);
}

/** The app with a name. Throws `bad_request` when there is none. */
export function appByName(store: Store, name: string): App {
  const app = findApp(store, name);
  if (app === undefined) throw new AgentError("bad_request", `There is no app "${name}"`);
  return app;
}

/** Adds a release. An existing version keeps its key and takes over the other members. */
export function addRelease(
  store: Store,
  app: App,
  { version, ...parts }: ReleaseOptions & { version: string },
): Release {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(version)) {
    throw new AgentError("bad_request", `"${version}" cannot be a version, because it becomes the tag of an image`);
  }
  const other = "SELECT 1 FROM releases WHERE release_key = ? AND NOT (app_key = ? AND version = ?)";
  if (parts.releaseKey !== undefined && store.first(other, parts.releaseKey, app.appKey, version) !== undefined) {
    throw new AgentError("bad_request", `There is another release with the key ${parts.releaseKey}`);
  }
  store.run(
    `INSERT INTO releases VALUES (?, ?, ?, ?, ?) ON CONFLICT (app_key, version) DO UPDATE SET
       docker_compose = excluded.docker_compose, environment_template = excluded.environment_template`,
    parts.releaseKey ?? null,
    app.appKey,
    version,
    JSON.stringify(parts.dockerCompose ?? null),
    JSON.stringify(parts.environmentTemplate ?? {}),
  );
  return releaseOf(store, { app, version });
}

/** The release of an app with a version. Throws `bad_request` when there is none. */
export function releaseOf(store: Store, { app, version }: { app: App; version: string }): Release {
  const row = store.first("SELECT * FROM releases WHERE app_key = ? AND version = ?", app.appKey, version);
  if (row === undefined) throw new AgentError("bad_request", `No version "${version}" of "${app.name}" was pushed`);
  return toRelease(row);
}

/** The release of an app with a key; undefined when there is none. */
export function findRelease(
  store: Store,
  { appKey, releaseKey }: { appKey: number; releaseKey: number },
): Release | undefined {
  const row = store.first("SELECT * FROM releases WHERE app_key = ? AND release_key = ?", appKey, releaseKey);
  return row && toRelease(row);
}

/** The newest release of an app. Throws `bad_request` when there is none. */
export function newestRelease(store: Store, app: App): Release {
  const text = "SELECT * FROM releases WHERE app_key = ? ORDER BY release_key DESC LIMIT 1";
  const row = store.first(text, app.appKey);
  if (row === undefined) throw new AgentError("bad_request", `No version of "${app.name}" was pushed`);
  return toRelease(row);
}

/** The architecture in the names of images for this machine: `amd64` or `arm64`. */
export function machineArchitecture(): string {
  return Deno.build.arch === "x86_64" ? "amd64" : "arm64";
}

/** The repository of an app below the registry's host: `apps/prod_amd64_42_shop`. */
export function repositoryOf(app: App, architecture = machineArchitecture()): string {
  return `apps/prod_${architecture}_${app.appKey}_${app.name}`.toLowerCase();
}

function findApp(store: Store, name: string): App | undefined {
  const row = store.first("SELECT * FROM apps WHERE name = ?", name);
  return row === undefined ? undefined : { appKey: numberColumn(row, "app_key"), name: textColumn(row, "name") };
}

function toRelease(row: StoredRow): Release {
  const [compose, template] = [jsonColumn(row, "docker_compose"), jsonColumn(row, "environment_template")];
  return {
    releaseKey: numberColumn(row, "release_key"),
    appKey: numberColumn(row, "app_key"),
    version: textColumn(row, "version"),
    dockerCompose: isDict(compose) ? compose : null,
    environmentTemplate: isDict(template) ? template : {},
  };
}
