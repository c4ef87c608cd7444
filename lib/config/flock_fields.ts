/** The fields of a .flock file: the only place that knows their names. Pure. */

/** What a field holds. */
export type FieldKind = "text" | "number" | "flag" | "any";

/** One field; a list of kinds stands for an object with these members. */
export interface Field {
  name: string;
  kind: FieldKind | Field[];
  /** Not written while it is empty. */
  isOptional?: boolean;
}

/** All fields, in the order in which they are written. */
export const flockFields: readonly Field[] = [
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

/** The fields that the agent cannot work without. */
export const neededFields = [
  "serial_number",
  "secret",
  "swarm_key",
  "device_key",
  "device_endpoint_url",
  "docker_registry_url",
  "docker_main_repository",
];

/** Addresses that no longer answer, and what replaces them. Only exactly these are replaced. */
export const movedAddresses = [
  { name: "docker_registry_url", from: "registry.reswarm.io/", to: "registry.ironflock.com/" },
  {
    name: "device_endpoint_url",
    from: "wss://cbw.record-evolution.com/ws-re-dev",
    to: "wss://cbw.ironflock.com/ws-re-dev",
  },
] as const;
