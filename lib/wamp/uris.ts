/** The URIs of WAMP itself: procedures and events of the router, errors, reasons of a GOODBYE. */

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

/** Error URIs of the WAMP standard that we send or test for. */
export const errorUris = {
  canceled: "wamp.error.canceled",
  invalidArgument: "wamp.error.invalid_argument",
  notAuthorized: "wamp.error.not_authorized",
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
