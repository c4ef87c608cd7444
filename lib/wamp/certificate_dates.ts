/**
 * Finds out whether a router was not trusted because of the time. A device without a battery for its clock starts in a year of its
 * own, and the runtime has one text for all reasons why a certificate is refused.
 */

import { TLSSocket } from "node:tls";
import { localTimeText } from "../base/local_time.ts";
import { openStream, type StreamOptions } from "./stream.ts";

/** What the runtime says of every certificate that it refuses but for the name in it. */
const refusalCodes: readonly unknown[] = ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"];

/** True for the error of a TLS handshake that ended because the certificate was refused. */
export function isCertificateRefused(error: unknown): boolean {
  return error instanceof Error && "code" in error && refusalCodes.includes(error.code);
}

/**
 * Asks the server of `url` for its certificate once more, without trusting it and without sending anything, and gives a text when
 * `now`, the device's wall time, is outside its dates. Undefined when it is not, or nothing could be found out. Never throws.
 */
export async function findDateProblem(url: URL, options: StreamOptions & { now: Date }): Promise<string | undefined> {
  const { now } = options;
  const dates = await readDates(url, options);
  const question = `is the clock of the device right (${localTimeText(now)})?`;
  if (dates === undefined) return undefined;
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
    const shaken = new Promise<boolean>((resolve) => {
      stream.once("secureConnect", () => resolve(true));
      stream.once("error", () => resolve(false));
      stream.once("close", () => resolve(false));
    });
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted || !await shaken) return undefined;
    const { valid_from: from, valid_to: to } = stream.getPeerCertificate();
    return { fromMs: Date.parse(from), toMs: Date.parse(to) };
  } catch {
    // The dial has failed already, and its own error is the one to tell.
    return undefined;
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}
