/** Receives meta events through a raw peer. */

import type { RawPeer } from "./raw_peer.ts";

/** Subscribes to meta topics. Returns a function that waits for the next event, as `[topic, ...args]`. */
export async function watch(peer: RawPeer, ...topics: string[]): Promise<() => Promise<unknown[]>> {
  const names = new Map<unknown, string>();
  for (const topic of topics) names.set(await peer.subscribe(topic), topic);
  return async () => {
    const event = await peer.next(36);
    return [names.get(event[1]), ...Object(event[4])];
  };
}
