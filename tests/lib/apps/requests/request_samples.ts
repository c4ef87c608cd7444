/** The smallest request, on the wire and decoded. */

/** The members that neither a call nor a row can do without. */
export const leastRequest = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING" };

/** What `leastRequest` is read as. */
export const emptyRequest = {
  appKey: 7,
  stage: "PROD",
  appName: "Shop",
  target: "RUNNING",
  current: undefined,
  requestorAccountKey: 0,
  deviceOwnerAccountKey: 0,
  instanceKey: 0,
  appCredEpoch: 0,
  releaseKey: 0,
  newReleaseKey: 0,
  version: "",
  presentVersion: "",
  newestVersion: "",
  requestUpdate: false,
  cancelTransition: false,
  environment: {},
  environmentTemplate: {},
  ports: [],
  otherPorts: [],
  dockerCompose: null,
  newDockerCompose: null,
  dockerCredentials: {},
};
