/** Compose apps for the benchmark: their images, definitions and releases. */

import type { Dict } from "../../lib/base/json.ts";
import { buildImage } from "../testbed/images.ts";
import { writeDockerLogin } from "../studio/docker_login.ts";
import { pusherPassword, pusherUser } from "../studio/logins.ts";
import { appByName, ensureApp } from "../studio/releases.ts";
import { type BenchFixture, firstVersion, untilApps } from "./fixture.ts";

/** The services of each app. */
export const services = ["web", "db", "cache"] as const;

/** One of them. */
export type ServiceName = typeof services[number];

/** Versions of services whose image is not the first. */
export type Versions = Readonly<Partial<Record<ServiceName, string>>>;

/** The image of a service, which all apps share. */
export function imageOf(service: ServiceName, options: { host: string; version?: string | undefined }): string {
  const { host, version = firstVersion } = options;
  return `${host}/apps/bench_${service}:${version}`;
}

/** A definition with all services. */
export function definitionOf(host: string, versions: Versions = {}): Dict {
  return {
    services: Object.fromEntries(
      services.map((service) => [service, { image: imageOf(service, { host, version: versions[service] }) }]),
    ),
  };
}

/** Builds the image of a service, with a layer of its own, and pushes it. */
export async function publishService(
  { engine, studio }: BenchFixture,
  service: ServiceName,
  { version = firstVersion, sizeMb }: { version?: string; sizeMb?: number } = {},
): Promise<void> {
  const reference = imageOf(service, { host: studio.registryHost, version });
  const recipe = { labels: { service, version }, ...(sizeMb === undefined ? {} : { sizeMb }) };
  await buildImage(engine, { reference, recipe });
  const folder = await Deno.makeTempDir({ prefix: "b-" });
  try {
    const password = pusherPassword(studio.store);
    await writeDockerLogin(folder, { host: studio.registryHost, user: pusherUser, password });
    await engine.docker("--config", folder, "push", "--quiet", reference);
    await engine.docker("rmi", reference);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Publishes the first version of all services. */
export async function publishServices(fixture: BenchFixture): Promise<void> {
  for (const service of services) await publishService(fixture, service);
}

/** Adds a release of a compose app. */
export function addComposeRelease({ studio }: BenchFixture, app: string, options: {
  version: string;
  definition: Dict;
}): void {
  ensureApp(studio.store, app);
  studio.addRelease(app, options.version, { dockerCompose: options.definition });
}

/** Installs compose apps whose images are published, and waits until all of them run. */
export async function installComposeApps(fixture: BenchFixture, count: number): Promise<string[]> {
  const { studio, device } = fixture;
  const names = Array.from({ length: count }, (_, index) => `project${index + 1}`);
  const definition = definitionOf(studio.registryHost);
  for (const name of names) addComposeRelease(fixture, name, { version: firstVersion, definition });
  for (const name of names) await studio.request(device, name, { target: "RUNNING" });
  await untilApps(fixture, { names, state: "RUNNING" });
  return names;
}

/** The name of the project of an app, as its containers are labelled: `prod_1_project1_compose`. */
export function projectOf({ studio }: BenchFixture, app: string): string {
  return `prod_${appByName(studio.store, app).appKey}_${app}_compose`;
}
