/** The variables that lead a `docker` command line to the engine that the agent speaks to. Pure but for a look. */

import { engineEndpoint, type EngineEnvironment } from "./endpoint.ts";

/**
 * Variables for the `docker` command line. They win over those of an app's variables file, so that no app can lead
 * compose to another engine or into another project. Throws `engine_unreachable` as `engineEndpoint()`.
 */
export function commandEnvironment(
  env: EngineEnvironment,
  { configFolder, project }: { configFolder: string; project?: string },
): Record<string, string> {
  const { protocol } = engineEndpoint(env, Deno.build.os);
  return {
    DOCKER_CONFIG: configFolder,
    DOCKER_HOST: hostOf(env),
    // The one of the agent's user may name another engine.
    DOCKER_CONTEXT: "",
    DOCKER_TLS_VERIFY: protocol === "https" ? "1" : "",
    DOCKER_CERT_PATH: env.DOCKER_CERT_PATH ?? "",
    DOCKER_API_VERSION: "",
    // Advertisements and questions have no place in the log of an app.
    DOCKER_CLI_HINTS: "false",
    COMPOSE_MENU: "false",
    COMPOSE_ANSI: "never",
    ...(project === undefined ? {} : { COMPOSE_PROJECT_NAME: project, COMPOSE_IGNORE_ORPHANS: "false" }),
  };
}

function hostOf(env: EngineEnvironment): string {
  const { socketPath, host, port } = engineEndpoint(env, Deno.build.os);
  if (socketPath !== undefined) {
    return Deno.build.os === "windows" ? `npipe://${socketPath.replaceAll("\\", "/")}` : `unix://${socketPath}`;
  }
  return `tcp://${host}:${port}`;
}
