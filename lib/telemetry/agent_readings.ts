/** Turns what is known of the agent and the device into measurements. Pure. */

import { type Measured, observed } from "./instruments.ts";

/** What is known at one moment. */
export interface AgentMeasures {
  isConnected: boolean;
  /** Since the router was last heard; undefined when it never was. */
  silenceSeconds: number | undefined;
  waitingBytes: number;
  /** The state of each app. */
  appStates: readonly string[];
  disks: readonly { path: string; totalBytes: number; freeBytes: number }[];
}

/** The measurements. */
export function agentReadings({ isConnected, silenceSeconds, ...known }: AgentMeasures): Measured[] {
  const states = Map.groupBy(known.appStates, (state) => state);
  const silence = silenceSeconds === undefined
    ? []
    : [{ instrument: observed.heard, value: silenceSeconds, attributes: {} }];
  return [
    { instrument: observed.connected, value: isConnected ? 1 : 0, attributes: {} },
    ...silence,
    { instrument: observed.waiting, value: known.waitingBytes, attributes: {} },
    ...[...states].map(([state, apps]) => ({
      instrument: observed.apps,
      value: apps.length,
      attributes: { "reagent.app.state": state },
    })),
    ...known.disks.flatMap(({ path, totalBytes, freeBytes }) => {
      const of = (state: string, value: number) => ({
        instrument: observed.diskUsage,
        value,
        attributes: { "system.filesystem.mountpoint": path, "system.filesystem.state": state },
      });
      return [of("used", totalBytes - freeBytes), of("free", freeBytes)];
    }),
  ];
}
