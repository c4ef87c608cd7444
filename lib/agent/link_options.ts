/** How a device dials the router: as whom, with which testament, and with which time limits. */

import type { Clock } from "../async/clock.ts";
import type { Log } from "../base/log.ts";
import type { ConfigFile } from "../config.ts";
import { authid, usesClientCertificate } from "../config/derived.ts";
import type { Flags } from "../flags.ts";
import { watchNetworkChanges } from "../host/network_changes.ts";
import type { LinkIdentity } from "../wamp/dial.ts";
import type { LinkOptions } from "../wamp/link.ts";
import type { OnSession } from "../wamp/session_runs.ts";
import { messageLimitBytes } from "../backend/answer_size.ts";
import { deviceUri, markerName, realm, testamentTopic } from "../backend/uris.ts";

/** What the options depend on. */
export interface LinkDeps {
  config: Pick<ConfigFile, "current">;
  flags: Pick<Flags, "connTimeout" | "ppTimeout" | "respTimeout">;
  onSession: OnSession;
  clock: Clock;
  log: Log;
  trace: LinkOptions["trace"];
}

/** The link of the device: its login, connection marker and testament. */
export function deviceLinkOptions(deps: LinkDeps): LinkOptions {
  const { config, flags, onSession, clock, log, trace } = deps;
  const serialNumber = config.current.serialNumber;
  return {
    identity: () => identityOf(config),
    marker: { procedure: deviceUri(serialNumber, markerName), reply: ["Hello :-)"] },
    testament: (sessionId) => {
      const { swarmKey, deviceKey } = config.current;
      const device = { swarm_key: swarmKey, device_key: deviceKey, serial_number: serialNumber };
      return { topic: testamentTopic, args: [{ ...device, wamp_session_id: sessionId }] };
    },
    timeouts: { connectMs: flags.connTimeout, pingMs: flags.ppTimeout, responseMs: flags.respTimeout },
    sendLimitBytes: messageLimitBytes,
    onSession,
    log,
    clock,
    random: Math.random,
    networkChanges: (signal) => watchNetworkChanges({ clock }, signal),
    ...(trace === undefined ? {} : { trace }),
  };
}

/** Read again for every dial, because Studio can move the device to another project. */
function identityOf(config: Pick<ConfigFile, "current">): LinkIdentity {
  const { endpointUrl: url, secret, authentication } = config.current;
  const identity = { url, realm, authid: authid(config.current), secret };
  return usesClientCertificate(url) ? { ...identity, clientCertificate: authentication } : identity;
}
