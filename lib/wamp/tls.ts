/** TLS settings of a dial: trusted certificates, and a client certificate. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { AgentError } from "../base/errors.ts";

/** Certificate and key of the client, both in PEM. Their presence also turns off the verification of the server. */
export interface ClientCertificate {
  certificate: string;
  key: string;
}

const trustVariable = "DENO_TLS_CA_STORE";

/**
 * Makes every TLS connection of the process, including those of `fetch`, trust the certificates of the operating
 * system besides the bundled ones. Must run before the first TLS connection, because the runtime reads the variable
 * only then. A value set by the user stays. On Linux the system's certificates are those of `SSL_CERT_FILE` or the
 * distribution's bundle.
 */
export function trustSystemCertificates(
  environment: { get(name: string): string | undefined; set(name: string, value: string): void },
): void {
  if (environment.get(trustVariable) === undefined) environment.set(trustVariable, "system,mozilla");
}

/**
 * The options for a TLS handshake with `host`. With a client certificate the server is not verified. Throws
 * `connect_failed` when certificate or key does not parse, or when they do not belong together.
 */
export function tlsOptions(host: string, pair: ClientCertificate | undefined): ConnectionOptions {
  const options: ConnectionOptions = isIP(host) === 0 ? { host, servername: host } : { host };
  if (pair === undefined) return options;
  checkPair(pair);
  return { ...options, cert: pair.certificate, key: pair.key, rejectUnauthorized: false };
}

/**
 * The runtime sends no certificate at all when it cannot read the pair, so a mistake would look like a refusal by the
 * server.
 */
function checkPair(pair: ClientCertificate): void {
  let belongs: boolean;
  try {
    belongs = new X509Certificate(pair.certificate).checkPrivateKey(createPrivateKey(pair.key));
  } catch {
    // The parser's own text may quote the key; ours is enough.
    throw new AgentError("connect_failed", "Cannot use the client certificate: certificate or key does not parse");
  }
  if (!belongs) throw new AgentError("connect_failed", "Cannot use the client certificate: the key is of another one");
}
