/** What the apps do after every connect. */

import { within } from "../async/deadline.ts";
import type { Backend } from "../backend/backend.ts";
import type { ConnectStep } from "../backend/connect_step.ts";

/** What the steps use. */
export interface AppsConnectDeps {
  backend: Pick<Backend, "getAppCredKey">;
  /** Keeps the key that credentials of apps are derived from. Secret. */
  keepAppCredKey(key: string): void;
  /** See `Apps.reconcileRemote()`. */
  reconcileRemote(signal: AbortSignal, options: { isRepeated: boolean }): Promise<void>;
}

/** A backend that is silent must not keep the procedures from being registered. */
const keyLimitMs = 10_000;

/** Fetches the key of app credentials; waits for the container engine and takes over what Studio wants. */
export function appsConnectSteps(deps: AppsConnectDeps): ConnectStep[] {
  const what = "Fetching the key of app credentials";
  return [
    {
      name: "fetch the key of app credentials",
      phase: "prepare",
      callsBackend: true,
      run: async ({ signal }) => {
        deps.keepAppCredKey(
          await within(keyLimitMs, (limit) => deps.backend.getAppCredKey(limit), { what, signal }),
        );
      },
    },
    {
      name: "take over what Studio wants of the apps",
      phase: "restore",
      callsBackend: true,
      run: ({ signal, isRepeated }) => deps.reconcileRemote(signal, { isRepeated }),
    },
  ];
}
