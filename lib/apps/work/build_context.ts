/** Gathers what the steps of builds work with. Loaded with them. */

import { buildWithCli } from "../../docker/cli_build.ts";
import { DockerConfigs } from "../../docker/docker_config.ts";
import { readFreeBytes } from "../../host/disk_space.ts";
import { publishChannelOf } from "../../model/app_names.ts";
import { uploadPaths } from "../build/upload_paths.ts";
import { appLogins } from "../compose/registry_logins.ts";
import { isGone } from "../state/live_app.ts";
import type { BuildContext } from "./build_steps.ts";
import type { StepContext } from "./step_context.ts";

/** The context of the builds of one transition. */
export function buildContextOf(context: StepContext): BuildContext {
  const { app, names, definition, projects, records, engine, appLogs, login, log } = context;
  const { arch, buildDir, uploadExtension, dockerConfigDir, engineEnvironment } = context.build;
  const configs = new DockerConfigs({ folder: dockerConfigDir });
  const release = { id: { ...app.id, stage: "PROD" as const }, appName: app.appName };
  return {
    ...{ app, names, arch, engine, appLogs, login, log },
    releaseRepository: context.build.namesOf(release).repository,
    releaseChannel: publishChannelOf(app),
    isReleaseInstalled: () => {
      const installed = records.find(release.id);
      return installed !== undefined && !isGone(installed.state);
    },
    upload: uploadPaths({ buildDir, extension: uploadExtension }, app.appName),
    dockerCompose: definition,
    images: projects.imageOptionsOf(app),
    logins: async () => appLogins(projects.imagesIn(app, definition), await context.loginSources()),
    buildWithCli: (options) => buildWithCli({ configs, env: engineEnvironment }, options),
    readFreeBytes: () => readFreeBytes(buildDir),
  };
}
