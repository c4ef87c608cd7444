/**
 * Finds out whether a router was not trusted because of the time. A device whose clock has no battery starts with a
 * wrong date, and the runtime has one text for all reasons to refuse a certificate.
 */

import { TLSSocket } from "node:tls";
import { orAborted } from "../async/deadline.ts";
import { localTimeText } from "../base/local_time.ts";
import { openStream, type StreamOptions } from "./stream.ts";

/** Error codes of the runtime for every refused certificate, except for one that has another name. */
const refusalCodes: readonly unknown[] = ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"];

/** True for the error of a TLS handshake that ended because the certificate was refused. */
export function isCertificateRefused(error: unknown): boolean {
  return error instanceof Error && "code" in error && refusalCodes.includes(error.code);
}

/**
 * Requests the certificate of the server again, without trusting it and without sending anything, and returns a text
 * when `now`, the device's wall time, is outside its dates. Undefined when it is not, or when the certificate cannot
 * be had. Never throws.
 */
export async function findDateProblem(url: URL, options: StreamOptions & { now: Date }): Promise<string | undefined> {
  const { now } = options;
  const dates = await readDates(url, options);
  if (dates === undefined) return undefined;
  const question = `is the clock of the device right (${localTimeText(now)})?`;
  if (now.getTime() < dates.fromMs) return `the certificate is not valid yet: ${question}`;
  return now.getTime() > dates.toMs ? `the certificate has expired: ${question}` : undefined;
}

async function readDates(url: URL, options: StreamOptions): Promise<{ fromMs: number; toMs: number } | undefined> {
  const { proxies, signal } = options;
  let end = () => {};
  try {
    const stream = await openStream(url, { proxies, signal, isUnverified: true });
    end = () => stream.destroy();
    if (!(stream instanceof TLSSocket)) return undefined;
    if (!await orAborted(hasHandshake(stream), { what: "The handshake", signal })) return undefined;
    const { valid_from: from, valid_to: to } = stream.getPeerCertificate();
    return { fromMs: Date.parse(from), toMs: Date.parse(to) };
  } catch {
    // The dial has failed already, and its own error is the one to report.
    return undefined;
  } finally {
    end();
  }
}

/** True at the end of the handshake; false when the connection ends before. */
function hasHandshake(stream: TLSSocket): Promise<boolean> {
  return new Promise((resolve) => {
    stream.once("secureConnect", () => resolve(true));
    stream.once("error", () => resolve(false));
    stream.once("close", () => resolve(false));
  });
}
