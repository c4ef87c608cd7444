/** All URIs of the wire in one place: what the agent registers, publishes, subscribes and calls. */

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

/** Procedures of the router itself. */
export const routerProcedures = {
  addTestament: "wamp.session.add_testament",
  matchSubscription: "wamp.subscription.match",
} as const;

/** Events of the router itself. */
export const routerEvents = {
  subscriptionCreated: "wamp.subscription.on_create",
  subscriptionDeleted: "wamp.subscription.on_delete",
  registrationUnregistered: "wamp.registration.on_unregister",
} as const;

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

/** Error URIs of the WAMP standard that we send or test for. */
export const errorUris = {
  canceled: "wamp.error.canceled",
  invalidArgument: "wamp.error.invalid_argument",
  noSuchProcedure: "wamp.error.no_such_procedure",
  payloadTooBig: "wamp.error.payload_size_exceeded",
  procedureAlreadyExists: "wamp.error.procedure_already_exists",
  protocolViolation: "wamp.error.protocol_violation",
} as const;

/** Reasons of GOODBYE. */
export const goodbyeReasons = {
  leaving: "wamp.close.close_realm",
  answer: "wamp.close.goodbye_and_out",
} as const;
