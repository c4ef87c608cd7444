/** TLS settings of a dial: whom we trust, and the client certificate of the legacy endpoint. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { AgentError } from "../base/errors.ts";

/** The pair a legacy device authenticates with, both in PEM. Its presence also turns server verification off. */
export interface ClientCertificate {
  certificate: string;
  key: string;
}

const trustVariable = "DENO_TLS_CA_STORE";

/**
 * Lets every TLS connection of the process, of `fetch` too, trust the certificates of the operating system beside the
 * bundled ones. Must run before the first TLS connection: the runtime reads the variable once, then. A value set by the
 * user is left alone. On Linux the system's certificates are those of `SSL_CERT_FILE` or of the distribution's bundle.
 */
export function trustSystemCertificates(
  environment: { get(name: string): string | undefined; set(name: string, value: string): void },
): void {
  if (environment.get(trustVariable) === undefined) environment.set(trustVariable, "system,mozilla");
}

/**
 * The options for a TLS handshake with `host`. With a client certificate the server is not verified, as the legacy
 * endpoint demands. Throws `connect_failed` when the pair does not parse or does not belong together.
 */
export function tlsOptions(host: string, pair: ClientCertificate | undefined): ConnectionOptions {
  const options: ConnectionOptions = isIP(host) === 0 ? { host, servername: host } : { host };
  if (pair === undefined) return options;
  checkPair(pair);
  return { ...options, cert: pair.certificate, key: pair.key, rejectUnauthorized: false };
}

/** The runtime sends nothing at all for a pair it cannot read, so a mistake would show as a refusal by the server. */
function checkPair(pair: ClientCertificate): void {
  let belongs: boolean;
  try {
    belongs = new X509Certificate(pair.certificate).checkPrivateKey(createPrivateKey(pair.key));
  } catch {
    // The parser's own text may quote the key; what we tried says enough.
    throw new AgentError("connect_failed", "Cannot use the client certificate: certificate or key does not parse");
  }
  if (!belongs) throw new AgentError("connect_failed", "Cannot use the client certificate: the key is of another one");
}
