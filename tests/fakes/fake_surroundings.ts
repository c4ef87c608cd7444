/** What apps need of a device besides engine, database and Studio, for tests. */

import type { AppsDeps } from "../../lib/apps/dependencies.ts";
import { noProxies } from "../../lib/wamp/proxy.ts";
import type { DeviceConfig } from "../../lib/config/flock.ts";

/** A device's config; `change` replaces parts of it. */
export function sampleConfig(change: Partial<DeviceConfig> = {}): DeviceConfig {
  return {
    name: "pump-7",
    secret: "secret",
    swarmKey: 12,
    deviceKey: 345,
    serialNumber: "SN-1",
    swarmName: "demo",
    swarmOwnerName: "acme",
    endpointUrl: "ws://127.0.0.1:8080/ws",
    environment: "local",
    registryUrl: "r.example.com/",
    mainRepository: "apps/",
    applianceDomain: "",
    updateUrl: "",
    boardModel: "",
    authentication: { key: "", certificate: "" },
    ...change,
  };
}

/** The rest of a quiet device whose `folder` stands in for every folder of its apps: nothing is written to it. */
export function quietDevice(
  folder: string,
  change: Partial<DeviceConfig> = {},
): Pick<
  AppsDeps,
  | ("config" | "surroundings" | "folderOf" | "sharedDir" | "arch" | "hasGpu" | "readIdleMark" | "isPortFree")
  | ("dockerConfigDir" | "engineEnvironment" | "uploadExtension")
  | ("buildDir" | "caBundleFile" | "composeDir" | "checkFile" | "handlesSignal" | "proxies")
  | (
    | "checkPull"
    | "collectGarbage"
    | "deleteRemoved"
    | "hideSecret"
    | "hideSecretsOf"
    | "isConnected"
    | "isEmergency"
    | "isRebuilt"
    | "onEngineChange"
    | "tunnels"
    | "workJournal"
  )
> {
  const config = sampleConfig(change);
  const nothing = () => Promise.resolve();
  const home = quietFolder(folder);
  return {
    config: () => config,
    surroundings: () => ({ lanAddress: undefined, baseUrl: undefined }),
    folderOf: () => home,
    dockerConfigDir: `${folder}/docker_config`,
    engineEnvironment: {},
    uploadExtension: "tgz",
    buildDir: folder,
    collectGarbage: () => {},
    composeDir: folder,
    checkFile: () => Promise.resolve({ kind: "fits" }),
    sharedDir: folder,
    caBundleFile: `${folder}/certs/ca-bundle.crt`,
    proxies: noProxies,
    arch: "amd64",
    hasGpu: () => Promise.resolve(false),
    readIdleMark: () => undefined,
    handlesSignal: () => undefined,
    isPortFree: () => true,
    hideSecret: () => {},
    hideSecretsOf: () => {},
    isEmergency: () => false,
    isConnected: () => true,
    checkPull: () => Promise.resolve({ kind: "fits" }),
    isRebuilt: false,
    onEngineChange: () => {},
    deleteRemoved: nothing,
    tunnels: quietTunnels,
    workJournal: quietJournal,
  };
}

/** Of a device without tunnels. */
const quietTunnels: AppsDeps["tunnels"] = {
  sync: (_app, { rules }) => Promise.resolve({ rules: [...rules], lines: [] }),
  close: () => {},
  remotePorts: () => new Map(),
  publishStates: () => {},
};

const quietJournal: AppsDeps["workJournal"] = {
  run: (_app, work) => work(),
  leftAloneMs: () => undefined,
  forget: () => {},
};

function quietFolder(path: string): ReturnType<AppsDeps["folderOf"]> {
  const nothing = () => Promise.resolve();
  return {
    path,
    create: nothing,
    writeEnv: nothing,
    refreshCredential: nothing,
    refreshPorts: nothing,
    changedAt: () => Promise.resolve(undefined),
    deleteEnv: nothing,
    delete: nothing,
  };
}
