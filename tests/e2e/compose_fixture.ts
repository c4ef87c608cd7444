/** A device on which a test runs one compose app. */

import { type AppRecipe, pushImage } from "../../scripts/testbed/images.ts";
import { AppsFixture, type AppsFixtureOptions } from "./apps_fixture.ts";

/** The compose project of the app that the tests request. */
export const project = "prod_7_shop_compose";

/** Apps of several services. */
export class ComposeFixture implements AsyncDisposable {
  readonly apps: AppsFixture;

  private constructor(apps: AppsFixture) {
    this.apps = apps;
  }

  /** Starts engine and registry, and the apps of an agent. */
  static async start(options: AppsFixtureOptions = {}): Promise<ComposeFixture> {
    return new ComposeFixture(await AppsFixture.start(options));
  }

  /** The image of a service. */
  image(service: string, version = "1"): string {
    return `${this.apps.registry.host}/apps/prod_amd64_7_shop_${service}:${version}`;
  }

  /** Builds the image of a service and pushes it. */
  async push(service: string, version: string, recipe: AppRecipe = {}): Promise<void> {
    const name = `apps/prod_amd64_7_shop_${service}:${version}`;
    await pushImage(this.apps.engine, this.apps.registry, { name, recipe });
  }

  /** The containers of the project: `<service> <status>`, sorted. */
  async services(name = project): Promise<string[]> {
    const format = '{{.Label "com.docker.compose.service"}} {{.State}}';
    return await this.#list(["ps", "-a", "--filter", `label=com.docker.compose.project=${name}`, "--format", format]);
  }

  /** The id of the container of a service. */
  async id(service: string): Promise<string | undefined> {
    const filters = ["--filter", `label=com.docker.compose.project=${project}`];
    const own = ["--filter", `label=com.docker.compose.service=${service}`];
    return (await this.#list(["ps", "-aq", "--no-trunc", ...filters, ...own]))[0];
  }

  /** What is left of the project on the engine besides containers. */
  async leftovers(): Promise<string[]> {
    const filter = ["--filter", `label=com.docker.compose.project=${project}`, "-q"];
    const images = await this.#list(["images", "--format", "{{.Repository}}:{{.Tag}}"]);
    return [
      ...await this.#list(["volume", "ls", ...filter]),
      ...await this.#list(["network", "ls", ...filter]),
      ...images.filter((name) => name.includes("_7_shop") || name.includes("kept")),
    ];
  }

  async #list(args: readonly string[]): Promise<string[]> {
    return (await this.apps.engine.docker(...args)).split("\n").filter((line) => line !== "").sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.apps[Symbol.asyncDispose]();
  }
}
