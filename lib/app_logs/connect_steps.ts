/** What the logs of apps do after every connect. */

import type { ConnectStep } from "../backend/connect_step.ts";
import type { AppLogs } from "./app_logs.ts";

/** Learns who listens to logs, and follows those of `channels()` that are not followed yet. */
export function appLogsConnectSteps(
  { appLogs, channels }: { appLogs: Pick<AppLogs, "attach">; channels(): readonly string[] },
): ConnectStep[] {
  return [{
    name: "learn who listens to logs",
    phase: "restore",
    callsBackend: false,
    run: ({ session }) => appLogs.attach(session, channels()),
  }];
}
