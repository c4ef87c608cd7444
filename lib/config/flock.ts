/** Reads and writes the text of a .flock file. Pure. */

import { flockFields, movedAddresses, neededFields } from "./flock_fields.ts";
import { isWholeNumber, normalizeMembers, scalarNode } from "./flock_normal_form.ts";
import { formatJsonTree, type JsonMember, type JsonNode, parseJsonTree, scalarValue } from "../base/json_tree.ts";

/** The values of a .flock file that the agent uses. Missing text is empty, missing numbers are 0. */
export interface DeviceConfig {
  name: string;
  secret: string;
  /** The project. */
  swarmKey: number;
  deviceKey: number;
  serialNumber: string;
  swarmName: string;
  swarmOwnerName: string;
  /** Websocket URL of the router. */
  endpointUrl: string;
  environment: string;
  /** With a slash at its end. */
  registryUrl: string;
  /** With a slash at its end. */
  mainRepository: string;
  applianceDomain: string;
  updateUrl: string;
  boardModel: string;
  /** PEM texts, only for the legacy endpoint. */
  authentication: { key: string; certificate: string };
}

/** The fields that Studio may change. */
export interface DeviceConfigChange {
  name?: string | undefined;
  swarmName?: string | undefined;
  swarmOwnerName?: string | undefined;
  swarmKey: number;
}

/** The same, and where the agent's next versions come from. */
export interface FlockChange extends Partial<DeviceConfigChange> {
  updateUrl?: string;
}

/** A .flock file that was read. */
export interface Flock {
  config: DeviceConfig;
  /** The file in its normal form. Reading it again results in the same. */
  text: string;
  /** One phrase for each field with a value of the wrong type; such a field counts as missing, its value is kept. */
  wrongTypes: string[];
  /** The names of fields that the agent needs and that are missing or empty. */
  missing: string[];
}

/** A .flock file, or the reason why it is none: a phrase that quotes nothing of it. */
export type ReadFlock = { kind: "read"; flock: Flock } | { kind: "broken"; reason: string };

/** Reads the text of a .flock file and brings it into its normal form, see `normalizeMembers()`. */
export function readFlock(text: string): ReadFlock {
  const parsed = parseJsonTree(text);
  if (parsed.kind === "broken") return parsed;
  if (parsed.root.kind !== "object") return { kind: "broken", reason: "it is not a JSON object" };
  return { kind: "read", flock: flockOf(parsed.root.members) };
}

/** The file with other values in the fields that Studio may change; a field that is undefined keeps its value. */
export function changeFlock(flock: Flock, change: FlockChange): Flock {
  const values: [name: string, value: string | number | undefined][] = [
    ["name", change.name],
    ["swarm_name", change.swarmName],
    ["swarm_owner_name", change.swarmOwnerName],
    ["swarm_key", change.swarmKey],
    ["update_url", change.updateUrl],
  ];
  const changed = values.flatMap(([name, value]) => {
    return value === undefined ? [] : [{ name, value: scalarNode(JSON.stringify(value)) }];
  });
  const parsed = parseJsonTree(flock.text);
  const members = parsed.kind === "tree" && parsed.root.kind === "object" ? parsed.root.members : [];
  return flockOf([...members, ...changed]);
}

function flockOf(members: readonly JsonMember[]): Flock {
  const wrong = new Map<string, string>();
  const root: JsonNode = {
    kind: "object",
    members: normalizeMembers(members, { known: flockFields, context: { path: "", wrong } }).map(replaceMoved),
  };
  return {
    config: configOf(root),
    text: formatJsonTree(root),
    wrongTypes: [...wrong.values()],
    missing: neededFields.filter((name) =>
      !wrong.has(name) && textMember(root, name) === "" && numberMember(root, name) === 0
    ),
  };
}

function replaceMoved(member: JsonMember): JsonMember {
  const move = movedAddresses.find(({ name, from }) => name === member.name && scalarValue(member.value) === from);
  return move === undefined ? member : { name: move.name, value: scalarNode(JSON.stringify(move.to)) };
}

function configOf(root: JsonNode): DeviceConfig {
  const text = (name: string) => textMember(root, name);
  const authentication = memberOf(root, "authentication");
  return {
    name: text("name"),
    secret: text("secret"),
    swarmKey: numberMember(root, "swarm_key"),
    deviceKey: numberMember(root, "device_key"),
    serialNumber: text("serial_number"),
    swarmName: text("swarm_name"),
    swarmOwnerName: text("swarm_owner_name"),
    endpointUrl: text("device_endpoint_url"),
    environment: text("environment"),
    registryUrl: text("docker_registry_url"),
    mainRepository: text("docker_main_repository"),
    applianceDomain: text("appliance_domain"),
    updateUrl: text("update_url"),
    boardModel: textMember(memberOf(root, "board"), "model"),
    authentication: { key: textMember(authentication, "key"), certificate: textMember(authentication, "certificate") },
  };
}

function memberOf(node: JsonNode | undefined, name: string): JsonNode | undefined {
  return node?.kind === "object" ? node.members.find((member) => member.name === name)?.value : undefined;
}

function textMember(node: JsonNode | undefined, name: string): string {
  const member = memberOf(node, name);
  const value = member === undefined ? undefined : scalarValue(member);
  return typeof value === "string" ? value : "";
}

function numberMember(node: JsonNode, name: string): number {
  const member = memberOf(node, name);
  return member?.kind === "scalar" && isWholeNumber(member) ? Number(member.text) + 0 : 0;
}
