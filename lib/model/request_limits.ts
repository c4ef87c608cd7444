/**
 * How big the parts of a request for an app may be, and all requests together. Nobody can change these over the wire:
 * what is stored and worked through for an app is bounded by them. Far above what real apps have.
 */

import type { Bounds } from "../base/bounds.ts";

const kib = 1024;
const mib = 1024 * kib;

/** Of one part of a request, whether Studio sends it by itself or as an answer. */
export const requestBounds = {
  /** A state, a version, a number as text. */
  text: { chars: kib },
  /** The list of port rules. */
  ports: { chars: 512 * kib, entries: 1_000, depth: 16 },
  /** The variables, and likewise their template. */
  variables: { chars: mib, entries: 2_000, depth: 16 },
  /** A compose file. */
  compose: { chars: mib, entries: 2_000, depth: 64 },
  /** The logins of additional registries. */
  logins: { chars: 256 * kib, entries: 100, depth: 2 },
} as const satisfies Record<string, Bounds>;

/** What is stored of one request: its variables, ports, compose files and logins, in JSON. */
export const requestLimitBytes = 2 * mib;

/** What is stored of the requests of all apps together. */
export const allRequestsLimitBytes = 64 * mib;

/** Apps on one device. */
export const appLimit = 500;

/** Rows in Studio's answer to the question what it wants of all apps; further ones are not read. */
export const answerRowLimit = 2 * appLimit;
