/** Decides with which login an image is pulled. Pure. */

import { ownRegistries } from "../../config/derived.ts";
import type { DeviceConfig } from "../../config/flock.ts";
import { authFor, type RegistryAuth, registryHostOf } from "../../docker/registry.ts";
import type { RegistryLogin } from "../../model/app.ts";
import { registryHost } from "../../model/registry_host.ts";

/** What logins are chosen from. */
export interface LoginSources {
  /** Studio's token for the registry of the device; empty when there is none. Secret. */
  token: string;
  config: Pick<DeviceConfig, "registryUrl" | "applianceDomain" | "secret">;
  /** Those that users have stored for the app, by host. */
  logins: Readonly<Record<string, RegistryLogin>>;
}

/** The registry of an image, and the login for it; without one the pull goes anonymously. */
export interface PullLogin {
  host: string;
  auth: RegistryAuth | undefined;
  /** The registry is one that the device uses by itself. */
  isOwn: boolean;
}

/**
 * The device's own registry, under each of its names, gets the token of Studio; while there is none, and everywhere
 * else, the login that a user has stored for the host counts.
 */
export function pullLogin(reference: string, { token, config, logins }: LoginSources): PullLogin {
  const host = registryHost(registryHostOf(reference));
  const isOwn = ownRegistries(config).includes(host);
  if (isOwn && token !== "") return { host, isOwn, auth: { host, user: token, password: config.secret } };
  return { host, isOwn, auth: authFor(reference, logins) };
}

/** The line in the log of an app whose image is pulled from a foreign registry without a login. */
export function anonymousPullText(host: string): string {
  return `No credentials are stored for registry ${host}, so the image is pulled without a login; ` +
    `if the registry is private, add credentials for host "${host}" to the app's Docker registry credentials in Studio`;
}
