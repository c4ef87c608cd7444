/** What the steps of compose apps work with. Loaded when the first one is performed. */

import { ComposeCli } from "../../docker/compose_cli.ts";
import { DockerConfigs } from "../../docker/docker_config.ts";
import type { EngineEnvironment } from "../../docker/endpoint.ts";
import { type AppProject, takeDown, tearDown, type TeardownDeps } from "../compose/teardown.ts";
import { ProjectSetup, type ProjectSetupDeps } from "../compose/project_setup.ts";

/** What the tools are made of. */
export interface ProjectToolsDeps extends ProjectSetupDeps, Omit<TeardownDeps, "compose" | "say"> {
  dockerConfigDir: string;
  engineEnvironment: EngineEnvironment;
}

/** How a project ends. */
export interface EndOptions {
  /** Writes to the log of the app. */
  say(text: string): void;
  signal: AbortSignal;
}

/** The tools; shared by all apps. */
export interface ProjectTools {
  setup: ProjectSetup;
  cli: ComposeCli;
  /** See `tearDown()`. */
  stop(project: AppProject, options: EndOptions): Promise<void>;
  /** See `takeDown()`. */
  remove(project: AppProject, options: EndOptions & { withVolumes: boolean }): Promise<void>;
}

/** Creates the tools. */
export function createProjectTools(deps: ProjectToolsDeps): ProjectTools {
  const { dockerConfigDir, engineEnvironment, engine, log } = deps;
  const cli = new ComposeCli({ configs: new DockerConfigs({ folder: dockerConfigDir }), env: engineEnvironment });
  const base = { compose: cli, engine, log };
  return {
    setup: new ProjectSetup(deps),
    cli,
    stop: (project, { say, signal }) => tearDown({ ...base, say }, project, signal),
    remove: (project, { withVolumes, say, signal }) => {
      return takeDown({ ...base, say }, project, { volumes: withVolumes, signal });
    },
  };
}
