/** A change of the proxies, and what has become of it. Plain data. */

import type { TunnelProxy } from "./tunnel_proxy.ts";

/** What is to become of some proxies; all others stay. */
export interface ProxyChange {
  /** Added, or in place of those with the same name. */
  put?: readonly TunnelProxy[];
  /** Names; one that is not there is no error. */
  remove?: readonly string[];
}

/**
 * What has become of a change. Whatever is removed is gone in each case.
 *
 * - `applied`: the client has taken it, or has had it before.
 * - `saved`: the client does not run at this moment. It takes it when it starts.
 * - `refused`: what was to be put has been taken back; `error` is for people.
 */
export type ChangeResult = { kind: "applied" } | { kind: "saved" } | { kind: "refused"; error: string };
