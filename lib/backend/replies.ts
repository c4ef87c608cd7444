/** What Studio answers, decoded. Pure. Every decoder throws `bad_request` for what it cannot read. */

import { excessOf } from "../base/bounds.ts";
import { AgentError } from "../base/errors.ts";
import { isCount, isDict, readCount, show } from "../base/json.ts";

/** Characters of a name or an address. Longer ones are as good as none. */
const nameLimitChars = 1_024;

/** Characters of a token or key. */
const replyTokenLimitChars = 65_536;

/** Subscriptions of one topic that are looked at. */
const subscriptionLimit = 10_000;

/** What Studio knows about the device. Names that it did not send, or that are too long, are absent. */
export interface DeviceMetadata {
  name?: string;
  swarmName?: string;
  swarmOwnerName?: string;
  swarmKey: number;
}

/** What Studio answers to a status report; what it did not send is absent. */
export interface StatusAnswer {
  /** Studio's address, for the variables of apps. */
  baseUrl?: string;
  /** Where the next versions of the agent come from. */
  updateUrl?: string;
}

/** Decodes the first result of `read_device_metadata`. */
export function readDeviceMetadata(value: unknown): DeviceMetadata {
  if (!isDict(value)) {
    throw new AgentError(
      "bad_request",
      `Cannot read device metadata: args[0] must be an object, got ${show(value ?? null)}`,
    );
  }
  const swarmKey = readCount(value.swarm_key);
  if (swarmKey === undefined) {
    throw new AgentError("bad_request", `swarm_key has invalid type ${wireTypeOf(value.swarm_key)}`);
  }
  return {
    ...named("name", value.device_name),
    ...named("swarmName", value.swarm_name),
    ...named("swarmOwnerName", value.ownername),
    swarmKey,
  };
}

/** Decodes the first result of `get_requested_app_states`: the rows of all apps, not yet decoded themselves. */
export function readAppStateRows(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new AgentError(
    "bad_request",
    `Cannot read requested app states: args[0] must be a list, got ${show(value ?? null)}`,
  );
}

/**
 * Decodes the first result of `wamp.subscription.match`. Routers answer null, a list of ids or, for one, the bare id.
 */
export function readSubscriptionIds(value: unknown): number[] {
  return (Array.isArray(value) ? value.slice(0, subscriptionLimit) : [value]).filter(isCount);
}

/** An address of Studio; undefined when there is none. */
export function readAddress(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= nameLimitChars ? value : undefined;
}

/**
 * The base of downloads of the agent; undefined when there is none. Programs come from there, so it has to be a whole
 * `http` or `https` address to which a path can be added, and no download takes one with a login.
 */
export function readUpdateUrl(value: unknown): string | undefined {
  const address = readAddress(value);
  if (address === undefined || !/^https?:\/\/[^\s\p{Cc}\\?#]+$/iu.test(address)) return undefined;
  const url = URL.parse(address);
  return url !== null && url.username === "" && url.password === "" ? address : undefined;
}

/** A token or key. `name` is what errors call it. */
export function readToken(value: unknown, options: { name: string; mayBeEmpty: boolean }): string {
  const isToken = typeof value === "string" && value.length <= replyTokenLimitChars;
  if (isToken && (value !== "" || options.mayBeEmpty)) return value;
  throw new AgentError("bad_request", `invalid ${options.name} payload`);
}

/** Decodes the result of `expose_port`: the port that was granted. */
export function readRemotePort([first, ...others]: readonly unknown[]): number {
  if (first === undefined && others.length === 0) throw new AgentError("bad_request", "arguments is empty");
  if (!isDict(first)) throw new AgentError("bad_request", "failed to parse payload");
  const port = first.remote_port;
  if (isCount(port) && port > 0 && port <= 65_535) return port;
  throw new AgentError("bad_request", "failed to parse remote_port");
}

/** A value of any shape becomes text; a missing one stays absent, so that it never replaces a known name. */
function named<Name extends string>(name: Name, value: unknown): { [key in Name]?: string } {
  const member: { [key in Name]?: string } = {};
  if (value === undefined || value === null) return member;
  if (excessOf(value, { chars: nameLimitChars, depth: 16 }) !== undefined) return member;
  member[name] = typeof value === "string" ? value : JSON.stringify(value);
  return member;
}

function wireTypeOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "list" : typeof value;
}
