/** The .flock file as text: the only place that knows the names of its fields. Pure. */

import { formatJsonTree, type JsonMember, type JsonNode, parseJsonTree, scalarValue } from "../base/json_tree.ts";

/** What the agent uses of a .flock file. Missing text is empty, missing numbers are 0. */
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

/** What is written back: the fields that Studio may change. */
export interface DeviceConfigChange {
  name?: string | undefined;
  swarmName?: string | undefined;
  swarmOwnerName?: string | undefined;
  swarmKey: number;
}

/** A .flock file that was read. */
export interface Flock {
  config: DeviceConfig;
  /** The file in its normal form. Reading it again gives the same. */
  text: string;
  /** One phrase for each field with a value of the wrong type; such a field counts as missing, its value is kept. */
  wrongTypes: string[];
  /** The names of fields that the agent needs and that are missing or empty. */
  missing: string[];
}

/** A file that is not a .flock file, with the reason as a phrase that quotes nothing of it. */
export type ReadFlock = { kind: "read"; flock: Flock } | { kind: "broken"; reason: string };

type FieldKind = "text" | "number" | "flag" | "any";

interface Field {
  name: string;
  kind: FieldKind | Field[];
  /** Not written while it is empty. */
  isOptional?: boolean;
}

/** Where a value is, and the place to note by path that its type is wrong. */
interface Context {
  path: string;
  wrong: Map<string, string>;
}

/** In the order in which they are written. */
const fields: readonly Field[] = [
  { name: "name", kind: "text" },
  { name: "secret", kind: "text" },
  {
    name: "board",
    kind: [
      { name: "cpu", kind: "any" },
      { name: "docs", kind: "any" },
      { name: "board", kind: "text" },
      { name: "model", kind: "text" },
      { name: "boardname", kind: "text" },
      { name: "modelname", kind: "text" },
      { name: "reflasher", kind: "flag" },
      { name: "architecture", kind: "text" },
    ],
  },
  { name: "status", kind: "text" },
  { name: "password", kind: "text" },
  { name: "wlanssid", kind: "text" },
  { name: "swarm_key", kind: "number" },
  { name: "device_key", kind: "number" },
  { name: "swarm_name", kind: "text" },
  { name: "description", kind: "any" },
  { name: "architecture", kind: "text" },
  { name: "serial_number", kind: "text" },
  { name: "authentication", kind: [{ name: "key", kind: "text" }, { name: "certificate", kind: "text" }] },
  { name: "swarm_owner_name", kind: "text" },
  { name: "config_passphrase", kind: "text" },
  { name: "device_endpoint_url", kind: "text" },
  { name: "environment", kind: "text", isOptional: true },
  { name: "docker_registry_url", kind: "text" },
  { name: "insecure-registries", kind: "text", isOptional: true },
  { name: "docker_main_repository", kind: "text" },
  { name: "appliance_domain", kind: "text", isOptional: true },
  { name: "update_url", kind: "text", isOptional: true },
];

const needed = [
  "serial_number",
  "secret",
  "swarm_key",
  "device_key",
  "device_endpoint_url",
  "docker_registry_url",
  "docker_main_repository",
];

/** Addresses that no longer answer, and where their content went. Only exactly these are replaced. */
const moved = [
  { name: "docker_registry_url", from: "registry.reswarm.io/", to: "registry.ironflock.com/" },
  {
    name: "device_endpoint_url",
    from: "wss://cbw.record-evolution.com/ws-re-dev",
    to: "wss://cbw.ironflock.com/ws-re-dev",
  },
] as const;

/** What a value of each kind is when it is missing, as JSON. */
const zeros: Readonly<Record<FieldKind, string>> = { text: '""', number: "0", flag: "false", any: "null" };

const expectations: Readonly<Record<FieldKind, string>> = {
  text: "text",
  number: "a whole number below 2^53 without fraction or exponent",
  flag: "true or false",
  any: "anything",
};

/**
 * Reads the text of a .flock file and brings it into its normal form: names are matched whatever their case, of fields with
 * one name the last counts, null is the zero value, fields that the agent does not know follow in their own order.
 */
export function readFlock(text: string): ReadFlock {
  const parsed = parseJsonTree(text);
  if (parsed.kind === "broken") return parsed;
  if (parsed.root.kind !== "object") return { kind: "broken", reason: "it is not a JSON object" };
  return { kind: "read", flock: flockOf(parsed.root.members) };
}

/** The file with other values in the fields that Studio may change; a name that is undefined keeps its value. */
export function changeFlock(flock: Flock, change: DeviceConfigChange): Flock {
  const values: [name: string, value: string | number | undefined][] = [
    ["name", change.name],
    ["swarm_name", change.swarmName],
    ["swarm_owner_name", change.swarmOwnerName],
    ["swarm_key", change.swarmKey],
  ];
  const changed = values.flatMap(([name, value]) => {
    return value === undefined ? [] : [{ name, value: scalar(JSON.stringify(value)) }];
  });
  const parsed = parseJsonTree(flock.text);
  const members = parsed.kind === "tree" && parsed.root.kind === "object" ? parsed.root.members : [];
  return flockOf([...members, ...changed]);
}

function flockOf(members: readonly JsonMember[]): Flock {
  const wrong = new Map<string, string>();
  const root: JsonNode = { kind: "object", members: normalise(members, fields, { path: "", wrong }).map(replaceMoved) };
  return {
    config: configOf(root),
    text: formatJsonTree(root),
    wrongTypes: [...wrong.values()],
    missing: needed.filter((name) => !wrong.has(name) && textIn(root, name) === "" && numberIn(root, name) === 0),
  };
}

function replaceMoved(member: JsonMember): JsonMember {
  const move = moved.find(({ name, from }) => name === member.name && scalarValue(member.value) === from);
  return move === undefined ? member : { name: move.name, value: scalar(JSON.stringify(move.to)) };
}

/** The known fields in their order, each with a value, and then the unknown ones. */
function normalise(
  members: readonly JsonMember[],
  known: readonly Field[],
  context: Context,
): JsonMember[] {
  const given = new Map<string, JsonNode>();
  const unknown = new Map<string, JsonNode>();
  const names = new Map(known.map((field) => [fold(field.name), field.name]));
  for (const { name, value } of members) {
    const knownName = names.get(fold(name));
    if (knownName === undefined) unknown.set(name, value);
    else given.set(knownName, value);
  }
  const first = known.flatMap((field) => {
    const value = normaliseValue(given.get(field.name), field, context);
    return field.isOptional && scalarValue(value) === "" ? [] : [{ name: field.name, value }];
  });
  return [...first, ...[...unknown].map(([name, value]) => ({ name, value }))];
}

function normaliseValue(
  value: JsonNode | undefined,
  field: Field,
  context: Context,
): JsonNode {
  const path = context.path + field.name;
  const given = value?.kind === "scalar" && value.text === "null" ? undefined : value;
  if (typeof field.kind !== "string") {
    if (given !== undefined && given.kind !== "object") {
      context.wrong.set(path, `${path} must be an object, got ${typeName(given)}`);
      return given;
    }
    const members = normalise(given?.members ?? [], field.kind, { ...context, path: `${path}.` });
    return { kind: "object", members };
  }
  if (given === undefined) return scalar(zeros[field.kind]);
  if (field.kind === "any" || fits(given, field.kind)) return given;
  context.wrong.set(path, `${path} must be ${expectations[field.kind]}, got ${typeName(given)}`);
  return given;
}

function fits(node: JsonNode, kind: "text" | "number" | "flag"): boolean {
  const value = scalarValue(node);
  switch (kind) {
    case "text":
      return typeof value === "string";
    case "flag":
      return typeof value === "boolean";
    case "number":
      return isWholeNumber(node);
  }
}

/** As other agents read it: digits without a fraction or exponent. Beyond 2^53 it could not be told from its neighbours. */
function isWholeNumber(node: JsonNode): boolean {
  return node.kind === "scalar" && /^-?\d+$/.test(node.text) && Number.isSafeInteger(Number(node.text));
}

function configOf(root: JsonNode): DeviceConfig {
  const text = (name: string) => textIn(root, name);
  const authentication = memberOf(root, "authentication");
  return {
    name: text("name"),
    secret: text("secret"),
    swarmKey: numberIn(root, "swarm_key"),
    deviceKey: numberIn(root, "device_key"),
    serialNumber: text("serial_number"),
    swarmName: text("swarm_name"),
    swarmOwnerName: text("swarm_owner_name"),
    endpointUrl: text("device_endpoint_url"),
    environment: text("environment"),
    registryUrl: text("docker_registry_url"),
    mainRepository: text("docker_main_repository"),
    applianceDomain: text("appliance_domain"),
    updateUrl: text("update_url"),
    boardModel: textIn(memberOf(root, "board"), "model"),
    authentication: { key: textIn(authentication, "key"), certificate: textIn(authentication, "certificate") },
  };
}

function memberOf(node: JsonNode | undefined, name: string): JsonNode | undefined {
  return node?.kind === "object" ? node.members.find((member) => member.name === name)?.value : undefined;
}

function textIn(node: JsonNode | undefined, name: string): string {
  const member = memberOf(node, name);
  const value = member === undefined ? undefined : scalarValue(member);
  return typeof value === "string" ? value : "";
}

function numberIn(node: JsonNode, name: string): number {
  const member = memberOf(node, name);
  return member?.kind === "scalar" && isWholeNumber(member) ? Number(member.text) + 0 : 0;
}

function scalar(text: string): JsonNode {
  return { kind: "scalar", text };
}

/** The simple case folding that other agents match names by; two letters fold onto ASCII ones. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll("ſ", "s").replaceAll("\u212a", "k");
}

function typeName(node: JsonNode): string {
  if (node.kind === "list") return "a list";
  if (node.kind === "object") return "an object";
  const value = scalarValue(node);
  return typeof value === "string" ? "text" : typeof value === "number" ? "a number" : "a truth value";
}
