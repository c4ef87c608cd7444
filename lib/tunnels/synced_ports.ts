/** The ports of an app before and after its tunnels were brought in line with them. */

import type { AppId, PortRule } from "../model/app.ts";

/** An app that may have tunnels. */
export interface TunnelledApp {
  id: AppId;
  appName: string;
}

/** What an app wants. */
export interface SyncOptions {
  /** With their host ports, as far as they are known. */
  rules: readonly PortRule[];
  /** What becomes of active rules. `open`: the app runs, or is to run; `keep`: it stands; `close`: it goes. */
  wants: "open" | "keep" | "close";
}

/** The rules of an app as they are after a sync, and what its log is to say. */
export interface SyncedPorts {
  rules: PortRule[];
  lines: string[];
}
