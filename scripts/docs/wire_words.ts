/** What `docs/wire.md` says about the calls, publications and subscriptions of the agent, which does not load this. */

import {
  type backendProcedures,
  deviceUri,
  logTopic,
  networkChangeTopic,
  testamentTopic,
} from "../../lib/backend/uris.ts";
import { routerEvents, type routerProcedures } from "../../lib/wamp/uris.ts";

/** What readers need to know about a procedure that the agent calls. */
export interface CallWords {
  readonly args: string;
  readonly result: string;
  readonly when: string;
  /** How long the agent waits for the result. */
  readonly limitMs: number;
  /** The area that will call it; absent when it is called already. */
  readonly laterIssue?: string;
}

/** The words for every procedure of the backend. */
export const backendWords: Readonly<Record<keyof typeof backendProcedures, CallWords>> = {
  readDeviceMetadata: {
    args: "[{device_key}]",
    result: "[{device_name, swarm_name, ownername, swarm_key}]; a missing name changes nothing",
    when: "first after every connect",
    limitMs: 10_000,
  },
  getAppCredKey: {
    args: "none",
    result: "[text]: the key that app credentials are derived from; kept in memory only",
    when: "after every connect; after a failure the known key stays",
    limitMs: 10_000,
  },
  updateDeviceStatus: {
    args: "[{swarm_key, device_key, status: CONFIGURING | CONNECTED | EMERGENCY, wamp_session_id, stats: {12 " +
      "values, docker_available}, tunnel_capable?}]",
    result: "[{reswarmBaseURL?, agentUpdateURL?}]",
    when: "at the beginning and the end of every connect, then every 30 s, and when the engine goes or comes",
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
    when: "on every connect once the engine answers; again after an empty list if the device has apps",
    limitMs: 30_000,
  },
  getRegistryToken: {
    args: "[{callerID: owner of the device for PROD apps if known, else the requestor}]",
    result: "[text]; without arguments the token is empty",
    when: "for each request that leads to work, and for each retry",
    limitMs: 30_000,
  },
  updateAppOnDevice: {
    args: "state: [{app_key, device_key, swarm_key, serial_number, stage, state, device_to_app_key: 0, " +
      "requestor_account_key, release_key, request_update, release_build, updateStatus}]; " +
      "ports (5 s): [{app_key, device_key, swarm_key, stage, ports: [rule]}]",
    result: "not read",
    when:
      "state: on every change of state, and for every app on every connect; ports: before and after work on a PROD " +
      "app with port rules",
    limitMs: 10_000,
  },
  exposePort: {
    args: "[{port: 0 for any, protocol: tcp | udp, device_key, reserved: bool}]",
    result: "[{remote_port}]",
    when: "when a tunnel of a TCP or UDP port is opened; an error, and an answer without a port, leaves it closed",
    limitMs: 10_000,
    laterIssue: "tunnels",
  },
  runRegistryGc: {
    args: "none",
    result: "[{…}], logged",
    when: "on an appliance host whose disk is low",
    limitMs: 300_000,
  },
};

/** The words for the procedures of the router. */
export const routerWords: Readonly<Record<keyof typeof routerProcedures, CallWords>> = {
  addTestament: {
    args: "[topic, [the testament], {}]",
    result: "not read",
    when: "on every dial, right after the connection marker; if it is refused on the first connection, the agent exits",
    limitMs: 10_000,
  },
  matchSubscription: {
    args: "[topic]",
    result: "[[id] | id | null]",
    when: "for every followed log, on every connect and when a subscription may have changed who listens",
    limitMs: 10_000,
  },
};

/** What readers need to know about the payloads on a topic. */
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
    when: "while somebody listens: 200 ms after the first line, sooner when a message is full; a last line counts " +
      "dropped lines",
  },
  {
    topic: logTopic("<serial>", "<channel>"),
    payload: "[{type: build, chunk: text}]: a message of the agent; the chunk `LOGGER_CLEAR` empties the viewer",
    when: "at once, with or without listeners; up to 64 wait on disk while the link is down",
  },
  {
    topic: deviceUri("<serial>", networkChangeTopic),
    payload: "[{method, interfaceName, outcome: kept | reverted, error?}]",
    when: "acknowledged; once a change of the network is decided, after the next connect if the device is cut off",
  },
  {
    topic: testamentTopic,
    payload: "[{swarm_key, device_key, serial_number, wamp_session_id}]",
    when: "by the router, when the session ends without GOODBYE",
  },
];

/** Everything that is subscribed to, with what is read from an event. */
export const subscribedWords: readonly TopicWords[] = [
  {
    topic: routerEvents.subscriptionCreated,
    payload: "[session, {id, uri, match?}]",
    when: "a log topic of this device has a listener from now on; after a pattern the router is asked again",
  },
  {
    topic: routerEvents.subscriptionDeleted,
    payload: "[session, id]",
    when: "after a known listener the router is asked who is left",
  },
];
