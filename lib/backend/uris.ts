/**
 * All URIs of Studio in one place: what the agent registers, publishes and calls. Those of WAMP are in
 * `wamp/uris.ts`.
 */

/** The realm of every device. */
export const realm = "realm1";

/** The URI of a device's own procedure or topic: `re.mgmt.<serial>.<name>`. */
export function deviceUri(serial: string, name: string): string {
  return `re.mgmt.${serial}.${name}`;
}

/** Where the device tells how a change of its network ended: `deviceUri(serial, …)`. */
export const networkChangeTopic = "network_change";

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
