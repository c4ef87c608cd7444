/** The features that the router announces in WELCOME. */

/** `WELCOME.Details.roles`. */
export const announcedRoles = {
  broker: {
    features: {
      publisher_identification: true,
      pattern_based_subscription: true,
      session_meta_api: true,
      subscription_meta_api: true,
      subscriber_blackwhite_listing: true,
      publisher_exclusion: true,
    },
  },
  dealer: {
    features: {
      caller_identification: true,
      pattern_based_registration: true,
      session_meta_api: true,
      registration_meta_api: true,
      shared_registration: true,
      call_canceling: true,
      call_timeout: true,
      progressive_call_results: true,
      registration_revocation: true,
      testament_meta_api: true,
    },
  },
};
