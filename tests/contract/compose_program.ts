/** Runs `up` for a project until it is killed: `<engine> <folder of settings> <project> <definition>`. */

import { ComposeCli } from "../../lib/docker/compose_cli.ts";
import { DockerConfigs } from "../../lib/docker/docker_config.ts";

const [host = "", folder = "", name = "", file = ""] = Deno.args;
const cli = new ComposeCli({ configs: new DockerConfigs({ folder }), env: { DOCKER_HOST: host } });
await cli.up({ name, file }, { build: false, signal: new AbortController().signal });
