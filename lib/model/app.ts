/** The app domain: stages, states, and what Studio requests. Plain data, shared by store and apps. */

/** All states that the agent or Studio may name, spelled as on the wire. */
export const appStates = [
  "PRESENT",
  "REMOVED",
  "UNINSTALLED",
  "FAILED",
  "BUILT",
  "BUILDING",
  "TRANSFERED",
  "TRANSFERING",
  "PUBLISHING",
  "PUBLISHED",
  "DOWNLOADING",
  "STARTING",
  "STOPPING",
  "STOPPED",
  "UPDATING",
  "DELETING",
  "RUNNING",
] as const;

/** One of the 17 states of an app. */
export type AppState = typeof appStates[number];

/** `DEV` apps are built on the device, `PROD` apps are pulled from the registry. */
export type Stage = "DEV" | "PROD";

/** What a state report tells Studio about the last update. */
export type UpdateStatus = "" | "pending_remote_confirmation" | "completed" | "canceled";

/** True when `text` is one of the 17 states. */
export function isAppState(text: unknown): text is AppState {
  return typeof text === "string" && (appStates as readonly string[]).includes(text);
}

/** True when `text` is a stage. */
export function isStage(text: unknown): text is Stage {
  return text === "DEV" || text === "PROD";
}

/** Identity of an app on a device; the two stages of one key are two apps. */
export interface AppId {
  appKey: number;
  stage: Stage;
}

/** The key of an app in maps: `<stage>:<app key>`. */
export type AppIdText = `${Stage}:${number}`;

/** The key of an app in maps. */
export function idText(id: AppId): AppIdText {
  return `${id.stage}:${id.appKey}`;
}

/** One port rule of an app. Unknown members of the wire record are kept in `extra`, so that saving loses nothing. */
export interface PortRule {
  main: boolean;
  name: string;
  /** A tunnel is requested. */
  active: boolean;
  public: boolean;
  /** The port that the author of the app wrote; the stable identity of the rule. */
  port: number;
  protocol: "http" | "https" | "tcp" | "udp";
  /** When set, the rule is for another machine and the port is not published. */
  localIp: string;
  remotePortEnvironment: string;
  remotePort: number;
  /** 0 while the agent has not chosen one. */
  hostPort: number;
  /** 0 when the backend has not assigned one. */
  cloudRemotePort: number;
  /** The host port that the user wants, and no other; 0 when any will do. Only rules of PROD apps for tcp and udp. */
  reservedHostPort: number;
  /** The same of the tunnel server. */
  reservedRemotePort: number;
  /** Why the reservation is not fulfilled, as the agent tells Studio; empty when it is. */
  reservationError: string;
  extra: Record<string, unknown>;
}

/** The login of an additional registry. */
export interface RegistryLogin {
  username: string;
  password: string;
}

/** What Studio requests for one app: the decoded form of a request, of a row of the bulk answer and of a stored row. */
export interface AppRequest extends AppId {
  appName: string;
  /** The requested state, not yet mapped to a stable one. */
  target: AppState;
  /** The state that Studio knows; undefined when it sent none. */
  current: AppState | undefined;
  requestorAccountKey: number;
  /** 0 when unknown. */
  deviceOwnerAccountKey: number;
  releaseKey: number;
  newReleaseKey: number;
  /** The version to publish. */
  version: string;
  /** The version that Studio thinks is installed. */
  presentVersion: string;
  newestVersion: string;
  requestUpdate: boolean;
  cancelTransition: boolean;
  /** `{NAME: {value}}` as received; entries of another shape are skipped where they are used. */
  environment: Record<string, unknown>;
  /** `{NAME: {defaultValue}}` as received. */
  environmentTemplate: Record<string, unknown>;
  ports: PortRule[];
  /** Entries of the port list that could not be read. They are not used, and are saved as they came. */
  otherPorts: unknown[];
  /** Not null: a compose app. */
  dockerCompose: Record<string, unknown> | null;
  newDockerCompose: Record<string, unknown> | null;
  dockerCredentials: Record<string, RegistryLogin>;
  /** 0 when there is none. */
  instanceKey: number;
  /** 0 means epoch 1. */
  appCredEpoch: number;
}
