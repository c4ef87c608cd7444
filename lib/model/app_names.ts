/**
 * The names by which the engine and the registry know an app. Older agents use the same ones, so they never change.
 * Pure.
 */

import type { AppId } from "./app.ts";

/** What names are made from besides the app. */
export interface NamingFacts {
  /** The host of the registry, perhaps with a path; a scheme in front is dropped. */
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
  /** What the repositories of all names that the app has ever had begin with. */
  repositoryPrefix: string;
  /** The label of its compose project: `prod_71_fan_ctl_compose`. */
  project: string;
}

/**
 * An app as read from a name; `appName` is spelled as in the name, which is in lower case for all names that the agent
 * makes.
 */
export interface NamedApp {
  id: AppId;
  appName: string;
}

/** Characters of an app name: names of files and of images are longer by what surrounds it. */
export const appNameLimit = 240;

/**
 * True when an app can have this name, whatever its case: letters, digits, `_` and `-`, and `.` between two letters or
 * digits. Any other name is either refused by the engine for containers, images and projects, or leads out of a folder.
 */
export function isUsableAppName(name: string): boolean {
  return name.length <= appNameLimit && /^(?:[a-z0-9_-]|(?<=[a-z0-9])\.(?=[a-z0-9]))+$/.test(name.toLowerCase());
}

/** The names of an app; it lower-cases them as a whole. */
export function namesOf(app: NamedApp, facts: NamingFacts): AppNames {
  const { id: { stage, appKey }, appName } = app;
  const { mainRepository, arch } = facts;
  const registry = facts.registryUrl.trim().replace(/^https?:\/\//i, "").replace(/\/*$/, "/").replace(/^\/$/, "");
  const repositoryPrefix = `${registry}${mainRepository}${stage}_${arch}_${appKey}_`.toLowerCase();
  const repository = repositoryPrefix + appName.toLowerCase();
  return { container: containerNameOf(app), repository, repositoryPrefix, project: projectLabelOf(app) };
}

/** The name of an app's container; see `AppNames`. */
export function containerNameOf({ id: { stage, appKey }, appName }: NamedApp): string {
  return `${stage}_${appKey}_${appName}`.toLowerCase();
}

/** The log channel of an app while a release of it is published: `pub_71_fan_ctl`. */
export function publishChannelOf({ id: { appKey }, appName }: NamedApp): string {
  return `pub_${appKey}_${appName}`.toLowerCase();
}

/** Reads the name of a container, with or without the engine's slash. Undefined when it is not one of an app. */
export function parseContainerName(name: string): NamedApp | undefined {
  const { prefix, app } = parseAppName(name.replace(/^\//, "")) ?? {};
  return prefix === "pub" ? undefined : app;
}

/** The compose project of an app, before compose drops foreign characters: `prod_71_fan_ctl_compose`. */
export function composeProjectName(app: NamedApp): string {
  return `${containerNameOf(app)}_compose`;
}

/** The same as compose writes it into labels: of an app `Fan.Ctl` `prod_71_fanctl_compose`. */
export function projectLabelOf(app: NamedApp): string {
  return normalizeProject(composeProjectName(app));
}

/** A container as compose names it before its lines: without the name of its project, `web-1`. */
export function shownContainerName(name: string, project: string): string {
  return name.startsWith(`${project}-`) ? name.slice(project.length + 1) : name;
}

/** A name as compose spells it: lower case, only letters, digits, `_` and `-`, with a letter or digit first. */
export function normalizeProject(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9_-]/g, "").replace(/^[_-]+/, "");
}

/** Reads the name of a compose project. Undefined when it is not one of an app. */
export function parseComposeProjectName(name: string): NamedApp | undefined {
  const { prefix, app } = parseAppName(name.replace(/_compose$/, "")) ?? {};
  return name.endsWith("_compose") && prefix !== "pub" ? app : undefined;
}

/**
 * Reads `<prod|dev|pub>_<app key>_<app name>`; `pub` stands for the build of a release and belongs to the `DEV` app.
 * Keys have up to 15 digits, which a number holds exactly.
 */
export function parseAppName(name: string): { prefix: "prod" | "dev" | "pub"; app: NamedApp } | undefined {
  const [, prefix, key = "", appName = ""] = /^(dev|prod|pub)_([0-9]{1,15})_(.+)$/.exec(name) ?? [];
  if (prefix !== "dev" && prefix !== "prod" && prefix !== "pub") return undefined;
  return { prefix, app: { id: { appKey: Number(key), stage: prefix === "prod" ? "PROD" : "DEV" }, appName } };
}

/** The repository in which the images of an app are kept while an update may move their tags. */
export function keptRepository({ appKey, stage }: AppId): string {
  return `reagent.local/kept/${stage.toLowerCase()}_${appKey}`;
}
