/** The agent's own log path, connected to the engine of log_printer.ts. */

import { systemClock } from "../../lib/async/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { Engine } from "../../lib/docker/engine.ts";
import { type AppLogs, createAppLogs } from "../../lib/app_logs/app_logs.ts";
import { Database } from "../../lib/store/database.ts";
import { createBackend } from "../../lib/backend/backend.ts";
import { offlineWire, type Wire } from "../../lib/wamp/wire.ts";
import { serialNumber } from "./log_names.ts";

/** The connection as the logs need it. */
export type LogWire = Pick<Wire, "call" | "publish"> & {
  isConnected(): boolean;
  waitingBytes(): number;
};

/** Opens the log path with a database in `home`. */
export function openPrinterLogs(wire: LogWire, { socket, home }: { socket: string; home: string }): AppLogs {
  const calling = { ...offlineWire(), call: (procedure: string, args?: unknown[]) => wire.call(procedure, args) };
  const backend = createBackend(calling, () => ({ deviceKey: 345, swarmKey: 12, serialNumber }));
  return createAppLogs({
    serialNumber,
    engine: new Engine({ log: silentLog, env: { DOCKER_HOST: `unix://${socket}` } }),
    database: Database.open(`${home}/reagent.db`, { log: silentLog }),
    publish: (topic, payload) => wire.publish(topic, [payload]),
    isConnected: () => wire.isConnected(),
    waitingBytes: () => wire.waitingBytes(),
    match: (topic) => backend.matchSubscription(topic),
    positionsDir: `${home}/log_positions`,
    containersToFollow: () => [],
    clock: systemClock,
    random: Math.random,
    log: silentLog,
  });
}
