/** Where the container engine listens, by the usual `DOCKER_*` variables. */

import { AgentError } from "../base/errors.ts";
import { existsSync } from "../files/exists.ts";

/** The variables that are read; absent ones are undefined. */
export type EngineEnvironment = Record<string, string | undefined>;

/** How to reach the engine. No member is optional, because dockerode would fill gaps from the environment by itself. */
export interface EngineEndpoint {
  socketPath: string | undefined;
  host: string | undefined;
  port: number | undefined;
  protocol: "http" | "https";
  ca: string | undefined;
  cert: string | undefined;
  key: string | undefined;
}

/** The variables by which the engine is found and spoken to. */
export const engineVariables = [
  "DOCKER_HOST",
  "DOCKER_API_VERSION",
  "DOCKER_CERT_PATH",
  "DOCKER_TLS_VERIFY",
  "HOME",
] as const;

const noEndpoint: EngineEndpoint = {
  socketPath: undefined,
  host: undefined,
  port: undefined,
  protocol: "http",
  ca: undefined,
  cert: undefined,
  key: undefined,
};

/**
 * Decides where the engine listens: `DOCKER_HOST` as `unix://…`, `npipe://…`, `tcp://host:port` (with TLS when
 * `DOCKER_TLS_VERIFY` is not empty or the port is 2376, certificates from `DOCKER_CERT_PATH`), else the usual socket of
 * the platform. Throws `engine_unreachable` when `DOCKER_HOST` is malformed or a certificate cannot be read.
 */
export function engineEndpoint(env: EngineEnvironment, platform: typeof Deno.build.os): EngineEndpoint {
  const address = env.DOCKER_HOST ?? "";
  const socket = /^(?:unix|npipe):\/\/(.*)$/.exec(address)?.[1];
  if (address === "" || socket !== undefined) {
    return { ...noEndpoint, socketPath: socket || defaultSocket(env, platform) };
  }
  return { ...noEndpoint, ...remoteEndpoint(address, env) };
}

function remoteEndpoint(address: string, env: EngineEnvironment): Partial<EngineEndpoint> {
  const [, scheme = "", rest = ""] = /^([a-z]+):\/\/(.*)$/.exec(address) ?? [];
  const url = URL.canParse(`http://${rest}`) ? new URL(`http://${rest}`) : undefined;
  if (url === undefined || url.pathname !== "/" || !["tcp", "http", "https"].includes(scheme)) {
    throw new AgentError(
      "engine_unreachable",
      `DOCKER_HOST must be unix://…, npipe://… or tcp://host:port, is "${address}"`,
    );
  }
  const usesTls = scheme === "https" || (env.DOCKER_TLS_VERIFY ?? "") !== "" || url.port === "2376";
  const endpoint = {
    host: url.hostname,
    port: url.port === "" ? (usesTls ? 2376 : 2375) : Number(url.port),
    protocol: usesTls ? "https" as const : "http" as const,
  };
  const folder = env.DOCKER_CERT_PATH;
  return usesTls && folder ? { ...endpoint, ...readCertificates(folder) } : endpoint;
}

function readCertificates(folder: string): Pick<EngineEndpoint, "ca" | "cert" | "key"> {
  try {
    return {
      ca: Deno.readTextFileSync(`${folder}/ca.pem`),
      cert: Deno.readTextFileSync(`${folder}/cert.pem`),
      key: Deno.readTextFileSync(`${folder}/key.pem`),
    };
  } catch (error) {
    throw new AgentError("engine_unreachable", `Cannot read the certificates of DOCKER_CERT_PATH "${folder}"`, {
      cause: error,
    });
  }
}

function defaultSocket(env: EngineEnvironment, platform: typeof Deno.build.os): string {
  if (platform === "windows") return "//./pipe/docker_engine";
  const desktop = `${env.HOME ?? ""}/.docker/run/docker.sock`;
  return platform === "darwin" && existsSync(desktop) ? desktop : "/var/run/docker.sock";
}
