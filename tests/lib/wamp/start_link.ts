/** Starts links for the tests of this folder. */

import { type Clock, systemClock } from "../../../lib/async/clock.ts";
import { type Log, silentLog } from "../../../lib/base/log.ts";
import type { LinkIdentity } from "../../../lib/wamp/dial.ts";
import { Link, type LinkOptions } from "../../../lib/wamp/link.ts";
import { noProxies } from "../../../lib/wamp/proxy.ts";
import type { Session } from "../../../lib/wamp/session.ts";
import { deviceUri, testamentTopic } from "../../../lib/backend/uris.ts";

/** One call of `onSession`. */
export interface Run {
  session: Session;
  isReconnect: boolean;
  signal: AbortSignal;
}

/** A started link. Disposing stops it. */
export interface TestLink extends AsyncDisposable {
  link: Link;
  runs: Run[];
  /** Resolves when `onSession` has been called `count` times. */
  untilRun(count: number): Promise<Run>;
}

/** What a test may change. */
export interface TestLinkOptions {
  identity?: Partial<LinkIdentity>;
  clock?: Clock;
  log?: Log;
  random?: () => number;
  timeouts?: Partial<LinkOptions["timeouts"]>;
  networkChanges?: LinkOptions["networkChanges"];
  /** Runs inside `onSession`. */
  work?: (run: Run) => Promise<void>;
}

/** The URI of the connection marker of the test device. */
export const markerProcedure = deviceUri("SN-1", "wamp_connection_established");

/** A link of device `12-345` with serial number SN-1. */
export function startLink(url: string, options: TestLinkOptions = {}): TestLink {
  const runs: Run[] = [];
  let waiting: (() => void)[] = [];
  const link = new Link({
    identity: () => ({ url, realm: "realm1", authid: "12-345", secret: "s", ...options.identity }),
    marker: { procedure: markerProcedure, reply: ["Hello :-)"] },
    testament: (sessionId) => ({ topic: testamentTopic, args: [{ wamp_session_id: sessionId }] }),
    timeouts: { connectMs: 5_000, pingMs: 0, responseMs: 5_000, askMs: 50, ...options.timeouts },
    onSession: async (session, { isReconnect, signal }) => {
      const run = { session, isReconnect, signal };
      runs.push(run);
      for (const resolve of waiting.splice(0)) resolve();
      await options.work?.(run);
    },
    log: options.log ?? silentLog,
    clock: options.clock ?? systemClock,
    random: options.random ?? (() => 0),
    networkChanges: options.networkChanges,
    proxies: noProxies,
  });
  link.start();
  return {
    link,
    runs,
    async untilRun(count) {
      while (runs.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
      const run = runs[count - 1];
      if (run === undefined) throw new Error("unreachable");
      return run;
    },
    async [Symbol.asyncDispose]() {
      waiting = [];
      await link.stop();
    },
  };
}
