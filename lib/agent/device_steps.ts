/** What Studio and the device tell each other about the device on every connect. */

import { within } from "../async/deadline.ts";
import type { Backend } from "../backend/backend.ts";
import type { ConnectStep } from "../backend/connect_step.ts";
import type { ConfigFile } from "../config.ts";
import { readOsInfo } from "../host/os_info.ts";
import { agentVersion, buildArch } from "../version.ts";

/** The device belongs to another project: this run ends, and the next connection begins one of its own. */
export class MovedError extends Error {}

/** A backend that is silent must not keep the procedures from being registered. */
const identityLimitMs = 10_000;

/**
 * Takes over what Studio knows of the device into its config. The first step of all, because everything else is keyed
 * by the project. Throws `MovedError` when the device belongs to another one.
 */
export function identityStep(
  { config, backend }: { config: Pick<ConfigFile, "refresh">; backend: Pick<Backend, "readDeviceMetadata"> },
): ConnectStep {
  const what = "Reading what Studio knows of the device";
  return {
    name: "refresh the identity",
    phase: "prepare",
    callsBackend: true,
    run: async ({ signal }) => {
      const known = await within(identityLimitMs, (limit) => backend.readDeviceMetadata(limit), { what, signal });
      const { swarmKeyChanged } = await config.refresh(known);
      if (swarmKeyChanged) throw new MovedError();
    },
  };
}

/** Tells Studio what the device runs on. */
export function metadataStep({ backend }: { backend: Pick<Backend, "updateDeviceArchitecture"> }): ConnectStep {
  return {
    name: "publish the metadata of the device",
    phase: "serve",
    callsBackend: true,
    run: async ({ signal }) => {
      const os = await readOsInfo(signal);
      await backend.updateDeviceArchitecture({ ...buildArch(), os, agentVersion }, signal);
    },
  };
}
