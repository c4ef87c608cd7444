/** All URIs of Studio in one place: what the agent registers, publishes and calls. Those of WAMP are in `wamp/uris.ts`. */

import { routerEvents, type routerProcedures } from "../wamp/uris.ts";

/** The realm of every device. */
export const realm = "realm1";

/** The URI of a device's own procedure or topic: `re.mgmt.<serial>.<name>`. */
export function mgmt(serial: string, name: string): string {
  return `re.mgmt.${serial}.${name}`;
}

/** The topic of a log channel: `reswarm.logs.<serial>.<channel>`. */
export function logTopic(serial: string, channel: string): string {
  return `reswarm.logs.${serial}.${channel}`;
}

/** The prefix of all log topics of all devices. */
export const logTopicPrefix = "reswarm.logs.";

/** Name of the procedure that marks a device as connected; registering it without force finds a second device. */
export const markerName = "wamp_connection_established";

/** The topic that the router publishes when a device goes without a farewell. */
export const testamentTopic = "reswarm.api.testament_device";

/** Procedures of the Studio backend. */
export const backendProcedures = {
  readDeviceMetadata: "reswarm.devices.read_device_metadata",
  getAppCredKey: "reswarm.devices.get_app_cred_key",
  updateDeviceStatus: "reswarm.devices.update_device_status",
  updateDeviceArchitecture: "reswarm.devices.update_device_architecture",
  checkPrivilege: "reswarm.devices.check_privilege",
  getRequestedAppStates: "reswarm.containers.get_requested_app_states",
  getRegistryToken: "reswarm.containers.get_registry_token",
  updateAppOnDevice: "reswarm.containers.update_app_on_device",
  exposePort: "re.tunnel.expose_port",
  runRegistryGc: "reswarm.registry.run_gc",
} as const;

/** What people need to know of a procedure that the agent calls; also the source of the wire contract in `docs/`. */
export interface CallWords {
  readonly args: string;
  readonly result: string;
  readonly when: string;
  /** How long the agent waits for the result. */
  readonly limitMs: number;
  /** The area that will call it; absent when it is called. */
  readonly laterIssue?: string;
}

/** Words for every procedure of the backend. */
export const backendWords: Readonly<Record<keyof typeof backendProcedures, CallWords>> = {
  readDeviceMetadata: {
    args: "[{device_key}]",
    result: "[{device_name, swarm_name, ownername, swarm_key}]; a missing name changes nothing",
    when: "first thing after every connect",
    limitMs: 10_000,
  },
  getAppCredKey: {
    args: "none",
    result: "[text]: the key that app credentials are derived from; kept in memory only",
    when: "after every connect; a failure keeps the key that is known",
    limitMs: 10_000,
  },
  updateDeviceStatus: {
    args: "[{swarm_key, device_key, status: CONFIGURING | CONNECTED | EMERGENCY, wamp_session_id, stats: {the 12 " +
      "figures}, tunnel_capable?}]",
    result: "[{reswarmBaseURL?}]",
    when: "at the beginning and the end of every connect, then every 30 s",
    limitMs: 10_000,
  },
  updateDeviceArchitecture: {
    args: "[{swarm_key, device_key, architecture: arch and variant, os, arch, variant, agent_version}]",
    result: "not read",
    when: "after every connect",
    limitMs: 30_000,
  },
  checkPrivilege: {
    args: "[{privilege, entity: DEVICE, entity_key: device key, requestor_account_key, swarm_key}]",
    result: "[bool]",
    when: "before every call of a guarded procedure by an account; never cached",
    limitMs: 10_000,
  },
  getRequestedAppStates: {
    args: "[{device_key}]",
    result: "[[row of each app]]; anything but a list counts as a failure, never as no apps",
    when: "on every connect once the engine answers; a second time after an empty list while the device has apps",
    limitMs: 30_000,
  },
  getRegistryToken: {
    args: "[{callerID: owner of the device for PROD apps when known, else who asked}]",
    result: "[text]; without arguments the token is empty",
    when: "for each request of an app that is acted on, and for each retry",
    limitMs: 30_000,
  },
  updateAppOnDevice: {
    args: "state: [{app_key, device_key, swarm_key, serial_number, stage, state, device_to_app_key: 0, " +
      "requestor_account_key, release_key, request_update, release_build, updateStatus}]; " +
      "ports (5 s): [{app_key, device_key, swarm_key, stage, ports: [rule]}]",
    result: "not read",
    when:
      "state: on every change of state, and for every app on every connect; ports: before and after work on a PROD app with port rules",
    limitMs: 10_000,
  },
  exposePort: {
    args: "[{port, protocol: tcp | udp}]",
    result: "[{remote_port}]",
    when: "when a tunnel of a TCP or UDP port is made",
    limitMs: 30_000,
    laterIssue: "tunnels",
  },
  runRegistryGc: {
    args: "none",
    result: "[{…}], logged",
    when: "on an appliance host whose disk is low",
    limitMs: 300_000,
  },
};

/** Words for the procedures of the router. */
export const routerWords: Readonly<Record<keyof typeof routerProcedures, CallWords>> = {
  addTestament: {
    args: "[topic, [the testament], {}]",
    result: "not read",
    when: "on every dial, right after the connection marker; refused on the first connection, the agent ends",
    limitMs: 10_000,
  },
  matchSubscription: {
    args: "[topic]",
    result: "[[id] | id | null]",
    when: "for every followed log on every connect, and when a subscription may have changed what is listened to",
    limitMs: 10_000,
  },
};

/** What people need to know of the payloads on a topic. */
export interface TopicWords {
  readonly topic: string;
  readonly payload: string;
  readonly when: string;
}

/** Everything that is published in the device's name. */
export const publishedWords: readonly TopicWords[] = [
  {
    topic: logTopic("<serial>", "<channel>"),
    payload: "[text]: lines of the container, or raw JSON lines of a pull, joined by `\\n`; at most 256 KiB",
    when:
      "while somebody listens: 200 ms after the first line, sooner when a message is full; dropped lines are counted in a last line",
  },
  {
    topic: logTopic("<serial>", "<channel>"),
    payload: "[{type: build, chunk: text}]: a message of the agent; the chunk `LOGGER_CLEAR` empties the viewer",
    when: "at once, whoever listens; up to 64 wait while the link is down",
  },
  {
    topic: testamentTopic,
    payload: "[{swarm_key, device_key, serial_number, wamp_session_id}]",
    when: "by the router, when the session ends without GOODBYE",
  },
];

/** Everything that is subscribed, with what is read of an event. */
export const subscribedWords: readonly TopicWords[] = [
  {
    topic: routerEvents.subscriptionCreated,
    payload: "[session, {id, uri, match?}]",
    when: "a log topic of this device is listened to from now on; a pattern makes the agent ask the router anew",
  },
  {
    topic: routerEvents.subscriptionDeleted,
    payload: "[session, id]",
    when: "a known listener is gone: the router is asked who is left",
  },
];
