/** Compose projects on a real engine, with the real command line. */

import { silentLog } from "../../lib/base/log.ts";
import { ComposeCli } from "../../lib/docker/compose_cli.ts";
import { DockerConfigs } from "../../lib/docker/docker_config.ts";
import { Engine } from "../../lib/docker/engine.ts";
import type { AppProject } from "../../lib/apps/compose/teardown.ts";
import { composeProjectLabel } from "../../lib/model/labels.ts";
import type { Dockerd } from "../../scripts/testbed/dockerd.ts";

/** What the definition of a project has. */
export type Definition = Readonly<Record<string, unknown>>;

/** A signal that is never aborted. */
export const never = new AbortController().signal;

/** A service that runs until it is stopped, at once. */
export const runs = { image: "busybox:1", command: ["sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait"] };

/** One engine, and everything that its projects need. Disposing removes the folder of the projects. */
export class ComposeFixture implements AsyncDisposable {
  readonly dockerd: Dockerd;
  readonly engine: Engine;
  readonly folder: string = Deno.makeTempDirSync({ prefix: "c-" });
  readonly configs: DockerConfigs;
  readonly cli: ComposeCli;
  #projects = 0;

  constructor(dockerd: Dockerd) {
    this.dockerd = dockerd;
    this.engine = new Engine({ log: silentLog, env: { DOCKER_HOST: dockerd.host } });
    this.configs = new DockerConfigs({ folder: `${this.folder}/configs` });
    this.cli = this.cliWith("docker");
  }

  /** A command line by another program. */
  cliWith(program: string): ComposeCli {
    return new ComposeCli({ configs: this.configs, env: { DOCKER_HOST: this.dockerd.host }, program });
  }

  /** Writes a project with these services. */
  project(services: Definition, more: Definition = {}): AppProject {
    this.#projects += 1;
    const name = `prod_${this.#projects}_shop_compose`;
    const file = `${this.folder}/${name}/docker-compose.json`;
    Deno.mkdirSync(`${this.folder}/${name}`);
    Deno.writeTextFileSync(file, JSON.stringify({ name, services, ...more }));
    return { name, file, appName: "Shop" };
  }

  /** The containers of a project as `<service>: <state>`. */
  async states({ name }: AppProject): Promise<string[]> {
    const containers = await this.engine.listContainers(never);
    return containers.filter(({ labels }) => labels[composeProjectLabel] === name)
      .map(({ labels, state }) => `${labels["com.docker.compose.service"]}: ${state}`).sort();
  }

  /** What else the engine has of a project: the numbers of networks and volumes. */
  async rest({ name }: AppProject): Promise<[networks: number, volumes: number]> {
    const labels = { [composeProjectLabel]: name };
    const networks = await this.engine.networksWith(labels, never);
    return [networks.length, (await this.engine.volumesWith(labels, never)).length];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
