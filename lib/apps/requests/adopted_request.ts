/** Reads from containers what was wanted of its app, for a device whose database was lost. Pure. */

import { type AppRequest, isStage, type PortRule } from "../../model/app.ts";
import { type Dict, readCount } from "../../base/json.ts";
import type { ContainerDetails } from "../../docker/decode.ts";
import { splitReference } from "../../docker/registry.ts";
import { isSiteVariable } from "../container/site_variables.ts";
import { isUsableAppName, type NamedApp, parseContainerName } from "../../model/app_names.ts";
import { appLabels, isMadeByAgent } from "../../model/labels.ts";

/** Variables that the agent sets for every app, and sets again. */
const agentVariableNames =
  /^(DEVICE_(SERIAL_NUMBER|KEY|NAME|ENDPOINT_URL|LAN_IP|URL|PORT_FOR_.*)|ENV|SWARM_KEY|APP_(KEY|NAME)|APP_AUTH_.*|TUNNEL_DOMAIN|INSTANCE_KEY|RESWARM_URL|REMOTE_PORT_FOR_.*|PATH)$/;

/**
 * The request that the container was created for, as far as it can be read from it: the app is wanted as running, with
 * the container's version, variables and ports. Undefined when it is not the container of an app. Studio's next answer
 * replaces the request.
 */
export function adoptedRequest(container: ContainerDetails): AppRequest | undefined {
  const named = parseContainerName(container.name);
  if (named === undefined || !isMadeByAgent(container.labels)) return undefined;
  const { labels } = container;
  const stage = isStage(labels[appLabels.stage]) ? labels[appLabels.stage] : named.id.stage;
  const appName = labels[appLabels.appName] ?? named.appName;
  if (!isUsableAppName(appName) || appName.toLowerCase() !== named.appName || stage !== named.id.stage) {
    return undefined;
  }
  const version = labels[appLabels.version] ?? splitReference(container.image).tag;
  return {
    ...adoptedApp({ id: named.id, appName }, version),
    releaseKey: readCount(labels[appLabels.releaseKey]) ?? 0,
    environment: userEnvironment(container.env),
    ports: Object.entries(container.portBindings).flatMap(([port, [binding]]) => ruleOf(port, binding?.hostPort ?? 0)),
  };
}

/**
 * The request that a compose project was made for: the app is wanted as running, with the definition that compose has
 * been given and the variables that all of its containers have.
 */
export function adoptedProject(
  app: NamedApp,
  { definition, containers }: { definition: Dict; containers: readonly Pick<ContainerDetails, "env">[] },
): AppRequest {
  const [first = { env: [] }, ...others] = containers;
  const shared = first.env.filter((entry) => others.every(({ env }) => env.includes(entry)));
  return { ...adoptedApp(app, ""), environment: userEnvironment(shared), dockerCompose: definition };
}

function adoptedApp({ id, appName }: NamedApp, version: string): AppRequest {
  return {
    ...id,
    appName,
    target: "RUNNING",
    current: undefined,
    requestorAccountKey: 0,
    deviceOwnerAccountKey: 0,
    releaseKey: 0,
    newReleaseKey: 0,
    version,
    presentVersion: version,
    newestVersion: version,
    requestUpdate: false,
    cancelTransition: false,
    environment: {},
    environmentTemplate: {},
    ports: [],
    otherPorts: [],
    dockerCompose: null,
    newDockerCompose: null,
    dockerCredentials: {},
    instanceKey: 0,
    appCredEpoch: 0,
  };
}

function userEnvironment(env: readonly string[]): Record<string, unknown> {
  const entries = env.filter((text) => text.includes("=")).map((text) => {
    const equals = text.indexOf("=");
    return [text.slice(0, equals), { value: text.slice(equals + 1) }] as const;
  });
  const all = new Map(entries.map(([name, { value }]) => [name, value]));
  const isUsers = (name: string) => name !== "" && !agentVariableNames.test(name) && !isSiteVariable(name, all);
  return Object.fromEntries(entries.filter(([name]) => isUsers(name)));
}

function ruleOf(declared: string, hostPort: number): PortRule[] {
  const [, port, transport] = /^(\d+)\/(tcp|udp)$/.exec(declared) ?? [];
  if (port === undefined) return [];
  return [{
    main: false,
    name: "",
    active: false,
    public: false,
    port: Number(port),
    protocol: transport === "udp" ? "udp" : "tcp",
    localIp: "",
    remotePortEnvironment: "",
    remotePort: 0,
    hostPort,
    cloudRemotePort: 0,
    reservedHostPort: 0,
    reservedRemotePort: 0,
    reservationError: "",
    extra: {},
  }];
}
