/** Reads which authorities vouch for a server, so that others can trust it as this process does. */

import { X509Certificate } from "node:crypto";
import { getCACertificates, TLSSocket } from "node:tls";
import { orAborted } from "../async/deadline.ts";
import { AgentError } from "../base/errors.ts";
import { openStream, type StreamOptions } from "./stream.ts";

/** A longer chain is none. */
const chainLimit = 10;

/**
 * The certificates in the verified chain of a `wss` or `https` server as DER, its own first; the last one is the
 * trusted root where that is known. Empty for a server without TLS. Throws `connect_failed` when the server is not
 * trusted or cannot be reached, and `canceled`.
 */
export async function readVerifiedChain(url: URL, options: StreamOptions): Promise<Uint8Array[]> {
  const stream = await openStream(url, options);
  try {
    if (!(stream instanceof TLSSocket)) return [];
    await orAborted(handshake(stream), { what: "The handshake", signal: options.signal });
    return withRoot(chainOf(stream)).map(({ raw }) => new Uint8Array(raw));
  } finally {
    stream.destroy();
  }
}

function handshake(stream: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause?: unknown) => reject(new AgentError("connect_failed", "The server is not trusted", { cause }));
    stream.once("secureConnect", () => resolve());
    stream.once("error", fail);
    stream.once("close", () => fail());
  });
}

/** As the server has sent it, beginning with its own certificate. */
function chainOf(stream: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: { raw?: Uint8Array; issuerCertificate?: unknown } | undefined = stream.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length < chainLimit) {
    const certificate = new X509Certificate(next.raw);
    if (chain.some(({ fingerprint256 }) => fingerprint256 === certificate.fingerprint256)) break;
    chain.push(certificate);
    const issuer: unknown = next.issuerCertificate;
    next = typeof issuer === "object" && issuer !== null ? issuer : undefined;
  }
  return chain;
}

/** Servers leave the root out, because clients have it. */
function withRoot(chain: X509Certificate[]): X509Certificate[] {
  const last = chain.at(-1);
  if (last === undefined || last.subject === last.issuer) return chain;
  for (const pem of new Set([...getCACertificates("system"), ...getCACertificates("default")])) {
    const root = new X509Certificate(pem);
    if (root.subject === last.issuer && last.verify(root.publicKey)) return [...chain, root];
  }
  return chain;
}
