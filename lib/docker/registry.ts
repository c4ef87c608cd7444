/** References of images, and the logins of their registries. Pure. */

import type { RegistryLogin } from "../model/app.ts";
import { registryHost } from "../model/registry_host.ts";

/** One login to one registry. */
export interface RegistryAuth {
  /** Host with port, as in the image reference. */
  host: string;
  user: string;
  password: string;
}

/** The parts of `registry.example.com:5000/apps/shop:1.2`. */
export interface ImageReference {
  /** Everything before the tag: `registry.example.com:5000/apps/shop`. */
  repository: string;
  /** A tag, or a digest with its algorithm (`sha256:…`); `latest` when the reference names none. */
  tag: string;
}

/** Splits an image reference. A colon before the last slash belongs to the registry's port. */
export function splitReference(reference: string): ImageReference {
  const at = reference.indexOf("@");
  if (at !== -1) return { repository: reference.slice(0, at), tag: reference.slice(at + 1) };
  const colon = reference.lastIndexOf(":");
  if (colon === -1 || colon < reference.lastIndexOf("/")) return { repository: reference, tag: "latest" };
  return { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}

/**
 * The registry of a reference: its first part when that looks like a host (a dot, a port, `localhost`), else
 * `docker.io`.
 */
export function registryHostOf(reference: string): string {
  const slash = reference.indexOf("/");
  const first = slash === -1 ? "" : reference.slice(0, slash);
  return /[.:]/.test(first) || first === "localhost" ? first : "docker.io";
}

/** True for a digest as registries name content: `sha256:` and 64 lower-case hexadecimal digits. */
export function isDigest(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/** True for a tag of an image. */
export function isTag(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(text);
}

/** The credentials for a reference among logins by host, however the hosts are written. */
export function authFor(reference: string, logins: Readonly<Record<string, RegistryLogin>>): RegistryAuth | undefined {
  const host = registryHost(registryHostOf(reference));
  const login = Object.entries(logins).find(([name]) => registryHost(name) === host)?.[1];
  return login && { host, user: login.username, password: login.password };
}

/** The value of the engine's header `X-Registry-Auth`. Secret. */
export function registryAuthHeader(auth: RegistryAuth): string {
  const json = JSON.stringify({ username: auth.user, password: auth.password, serveraddress: registryHost(auth.host) });
  return new TextEncoder().encode(json).toBase64({ alphabet: "base64url" });
}

/** The value of the engine's header `X-Registry-Config`: the logins for the images that a build is based on. Secret. */
export function registryConfigHeader(logins: readonly RegistryAuth[]): string {
  const entries = logins.map(({ host, user, password }) => {
    const name = registryHost(host);
    return [name === "docker.io" ? hubConfigName : name, { username: user, password }] as const;
  });
  return new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries))).toBase64({ alphabet: "base64url" });
}

/** Under this name engines look for the login of images without a host. */
const hubConfigName = "https://index.docker.io/v1/";
