/** Turns a desired change of an app into the request for the device. Pure. */

import type { AppState, Stage } from "../../lib/model/app.ts";
import { AgentError } from "../../lib/base/errors.ts";
import type { Dict } from "../../lib/base/json.ts";
import type { DeviceApp } from "./device_apps.ts";
import type { Device } from "./devices.ts";
import type { App, Release } from "./releases.ts";

/** A desired change of an app on a device. Absent members stay as they are. */
export interface DesiredChange {
  /** The desired state; only an update may leave it out. */
  target?: AppState;
  /** Replaces the installed version by `version`, or by the newest one. */
  update?: boolean;
  version?: string;
  stage?: Stage;
  /** The definition of a DEV app of several services; releases have their own. */
  dockerCompose?: Dict;
  /** Name → value. */
  environment?: Dict;
  /** Port rules in their wire form; absent members are filled in. */
  ports?: readonly Dict[];
  accountKey?: number;
  instanceKey?: number;
  appCredEpoch?: number;
  /** Keyword arguments that are added to the request or replace some of it. They are not stored. */
  kwargs?: Dict;
}

/** The context of a change. `named` is the release of `change.version`. */
export interface ChangeContext {
  app: App;
  known: DeviceApp | undefined;
  newest: Release;
  named: Release | undefined;
  accountKey: number;
}

/** The desired state of an app after a change. Throws `bad_request` for a change that makes no sense. */
export function applyChange(change: DesiredChange, context: ChangeContext): DeviceApp {
  const { known } = context;
  const isInstalled = known !== undefined && !isGone(known.current);
  const base = isInstalled ? changeInstalled(change, context, known) : install(change, context);
  return {
    ...base,
    requestorAccountKey: context.accountKey,
    ...devDefinition(change, known),
    environment: change.environment === undefined
      ? base.environment
      : Object.fromEntries(Object.entries(change.environment).map(([name, value]) => [name, { value }])),
    ports: change.ports === undefined
      ? base.ports
      : change.ports.map((rule, index) => fillRule(rule, index, base.ports)),
    instanceKey: change.instanceKey ?? base.instanceKey,
    appCredEpoch: change.appCredEpoch ?? base.appCredEpoch,
  };
}

/** The keyword arguments of `request_app_state`. Keys are text, as browsers send them. */
export function encodeRequest(app: DeviceApp, device: Device): Dict {
  return {
    app_key: app.appKey,
    app_name: app.appName,
    stage: app.stage,
    target_state: app.target,
    current_state: app.current,
    release_key: String(app.releaseKey),
    new_release_key: app.newReleaseKey,
    requestor_account_key: String(app.requestorAccountKey),
    device_owner_account_key: String(device.ownerAccountKey),
    present_version: app.presentVersion,
    newest_version: app.newestVersion,
    request_update: app.requestUpdate,
    environment: app.environment,
    environment_template: app.environmentTemplate,
    ports: app.ports,
    app_cred_epoch: app.appCredEpoch,
    ...(app.instanceKey === 0 ? {} : { instance_key: app.instanceKey }),
    ...(app.dockerCompose === null ? {} : { docker_compose: app.dockerCompose }),
    ...(app.newDockerCompose === null ? {} : { new_docker_compose: app.newDockerCompose }),
  };
}

/** What a DEV app is made of has no release to come from, and stays until it is replaced. */
function devDefinition({ stage, dockerCompose }: DesiredChange, known: DeviceApp | undefined): Partial<DeviceApp> {
  if (stage !== "DEV") return {};
  const definition = dockerCompose ?? known?.dockerCompose ?? null;
  return { dockerCompose: definition, newDockerCompose: definition };
}

function isGone(state: AppState): boolean {
  return state === "REMOVED" || state === "UNINSTALLED";
}

/** Installs an app that the device does not have; there is no other version. */
function install(change: DesiredChange, { app, known, newest, named }: ChangeContext): DeviceApp {
  if (change.update || change.target === undefined) {
    throw new AgentError("bad_request", `"${app.name}" is not installed`);
  }
  if (known === undefined && isGone(change.target)) {
    throw new AgentError("bad_request", `"${app.name}" was never on this device`);
  }
  const release = named ?? newest;
  return {
    appKey: app.appKey,
    appName: app.name,
    stage: change.stage ?? "PROD",
    target: change.target,
    current: known?.current ?? "REMOVED",
    updateStatus: "",
    presentVersion: release.version,
    newestVersion: release.version,
    releaseKey: release.releaseKey,
    newReleaseKey: release.releaseKey,
    requestUpdate: false,
    requestorAccountKey: 0,
    environment: known?.environment ?? {},
    environmentTemplate: release.environmentTemplate,
    ports: known?.ports ?? [],
    dockerCompose: release.dockerCompose,
    newDockerCompose: release.dockerCompose,
    instanceKey: known?.instanceKey ?? 0,
    appCredEpoch: known?.appCredEpoch ?? 1,
  };
}

/** Changes an installed app. A requested update that is not completed stays requested. */
function changeInstalled(change: DesiredChange, { app, newest, named }: ChangeContext, known: DeviceApp): DeviceApp {
  if (change.update) return update(change, named ?? newest, known);
  if (named !== undefined && named.version !== known.presentVersion) {
    const have = `Version ${known.presentVersion} of "${app.name}" is installed`;
    throw new AgentError("bad_request", `${have}; update it to ${named.version} instead`);
  }
  if (change.target === undefined) throw new AgentError("bad_request", "A change needs a target state");
  if (known.requestUpdate && !isGone(change.target)) return { ...known, target: change.target };
  return { ...known, target: change.target, requestUpdate: false, ...newestMembers(newest) };
}

function update(change: DesiredChange, release: Release, known: DeviceApp): DeviceApp {
  if (release.version === known.presentVersion) {
    throw new AgentError("bad_request", `Version ${release.version} of "${known.appName}" is already installed`);
  }
  return {
    ...known,
    target: change.target ?? (isGone(known.target) ? "RUNNING" : known.target),
    requestUpdate: true,
    environmentTemplate: release.environmentTemplate,
    ...newestMembers(release),
  };
}

function newestMembers({ version, releaseKey, dockerCompose }: Release) {
  return { newestVersion: version, newReleaseKey: releaseKey, newDockerCompose: dockerCompose };
}

/** Completes a rule; ports that the device has already chosen for it are kept. */
function fillRule(rule: Dict, index: number, before: readonly Dict[]): Dict {
  const protocol = rule.protocol ?? "http";
  const same = before.find((other) => other.port === rule.port && other.protocol === protocol) ?? {};
  const name = `port ${String(rule.port)}`;
  const kept = Object.fromEntries(
    ["host_port", "remote_port", "cloud_remote_port"].filter((key) => key in same).map((key) => [key, same[key]]),
  );
  const plain = { local_ip: "", remote_port_environment: "", remote_port: 0 };
  return { main: index === 0, name, active: false, public: false, protocol, ...plain, ...kept, ...rule };
}
