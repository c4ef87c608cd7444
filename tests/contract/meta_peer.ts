/** Asks meta procedures and watches meta topics through a peer. */

import assert from "node:assert/strict";
import type { RawPeer } from "./raw_peer.ts";

/** Subscribes to meta topics; gives a function that takes the next event of one of them as [topic, ...args]. */
export async function watch(peer: RawPeer, ...topics: string[]): Promise<() => Promise<unknown[]>> {
  const names = new Map<unknown, string>();
  for (const topic of topics) names.set(await peer.subscribe(topic), topic);
  return async () => {
    const event = await peer.next(36);
    return [names.get(event[1]), ...Object(event[4])];
  };
}

/** The only result value of a call. */
export async function ask(peer: RawPeer, procedure: string, ...args: unknown[]): Promise<unknown> {
  const reply = await peer.call(procedure, args);
  assert.equal(reply[0], 50, JSON.stringify(reply));
  return Object(reply[3])[0];
}
