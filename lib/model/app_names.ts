/** The names by which the engine and the registry know an app. They are part of the wire: agents before this one used them. Pure. */

import type { AppId } from "./app.ts";

/** What names are made from besides the app. */
export interface NamingFacts {
  /** With a slash at its end. */
  registryUrl: string;
  /** With a slash at its end. */
  mainRepository: string;
  /** Of this machine, as image names spell it: `amd64`. */
  arch: string;
}

/** The names of one app, all in lower case. */
export interface AppNames {
  /** Of its container, and of its log channel: `prod_71_fan_ctl`. */
  container: string;
  /** Of its images, without a tag: `registry.example.com/apps/prod_amd64_71_fan_ctl`. */
  repository: string;
}

/** The names of an app; it lower-cases them as a whole. */
export function namesOf(app: { id: AppId; appName: string }, facts: NamingFacts): AppNames {
  const { id: { stage, appKey }, appName } = app;
  const { registryUrl, mainRepository, arch } = facts;
  return {
    container: `${stage}_${appKey}_${appName}`.toLowerCase(),
    repository: `${registryUrl}${mainRepository}${stage}_${arch}_${appKey}_${appName}`.toLowerCase(),
  };
}

/** Reads the name of a container, with or without the engine's slash. Undefined when it is not one of an app. */
export function parseContainerName(name: string): { id: AppId; appName: string } | undefined {
  const [, prefix, key = "", appName = ""] = /^\/?(dev|prod)_([0-9]{1,15})_(.+)$/.exec(name) ?? [];
  if (prefix === undefined) return undefined;
  return { id: { appKey: Number(key), stage: prefix === "dev" ? "DEV" : "PROD" }, appName };
}
