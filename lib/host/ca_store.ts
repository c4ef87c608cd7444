/** The certificate authorities that the operating system trusts, and the bundle that apps get of them. */

import { X509Certificate } from "node:crypto";
import { getCACertificates } from "node:tls";

/** Where distributions keep all of them in one file. */
export const caStoreFiles: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/ssl/cert.pem",
];

/** Where they are in files of their own. */
const caStoreFolders = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/** Files of a folder that are read. */
const folderLimit = 2_000;

/** The authorities of this machine, each as PEM, whatever else stands between them. Empty when there are none. */
export function readCaStore(os: string = Deno.build.os): string[] {
  if (os === "windows") return getCACertificates("system");
  for (const path of caStoreFiles) {
    const found = pemsIn(tryRead(path));
    if (found.length > 0) return found;
  }
  return caStoreFolders.flatMap((folder) => filesOf(folder).flatMap((path) => pemsIn(tryRead(path))));
}

/** When the authorities were last changed, as far as that can be told without reading them. */
export function caStoreChangedMs(): number | undefined {
  for (const path of caStoreFiles) {
    try {
      return Deno.statSync(path).mtime?.getTime();
    } catch {
      // Another distribution.
    }
  }
  return undefined;
}

/** The certificates in a text. */
export function pemsIn(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
}

/**
 * The bundle of these certificates: authorities that have not expired by `now`, each once, in the order of their
 * SHA-256. What is no certificate is left out.
 */
export function caBundle(pems: readonly string[], { now }: { now: Date }): string {
  const bundled = new Map<string, string>();
  for (const pem of new Set(pems)) {
    const certificate = parseCertificate(pem);
    if (certificate === undefined || !certificate.ca || Date.parse(certificate.validTo) <= now.getTime()) continue;
    bundled.set(certificate.fingerprint256, pemOf(certificate));
  }
  return [...bundled].sort(([one], [other]) => one < other ? -1 : 1).map(([, pem]) => pem).join("");
}

/** The certificate in PEM; undefined for what is none. */
export function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    // One that nobody can read helps no app.
    return undefined;
  }
}

/** A certificate in PEM, ended by a line break. */
export function pemOf({ raw }: { raw: Uint8Array }): string {
  const lines = new Uint8Array(raw).toBase64().match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

function filesOf(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].slice(0, folderLimit).map(({ name }) => `${folder}/${name}`);
  } catch {
    // There is no such folder.
    return [];
  }
}

function tryRead(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // It is not there, or a folder.
    return "";
  }
}
