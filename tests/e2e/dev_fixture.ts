/** DEV apps on a real engine and registry: what is uploaded, requested, and left on the device. */

import { busyboxImage } from "../../scripts/testbed/dockerd.ts";
import { type AppRecipe, scriptOf } from "../../scripts/testbed/images.ts";
import { type TarEntry, tgzOf } from "../fakes/tar_archive.ts";
import { AppsFixture, type AppsFixtureOptions, type RequestOptions } from "./apps_fixture.ts";

/** The container of the DEV app, and its log channel. */
export const devContainer = "dev_7_shop";

/** The log channel of its releases. */
export const releaseChannel = "pub_7_shop";

const uploadName = "Shop.tgz";
const chunkBytes = 64 * 1024;

/** A Dockerfile for an app that does what the recipe says; `lines` come before. */
export function dockerfileOf(recipe: AppRecipe = {}, lines: readonly string[] = []): string {
  return [`FROM ${busyboxImage}`, ...lines, `CMD ${JSON.stringify(["sh", "-c", scriptOf(recipe)])}`, ""].join("\n");
}

/** One device on which a developer works. */
export class DevFixture implements AsyncDisposable {
  readonly apps: AppsFixture;
  #uploads = 0;

  private constructor(apps: AppsFixture) {
    this.apps = apps;
  }

  /** Starts engine, registry and the apps of an agent. */
  static async start(options?: AppsFixtureOptions): Promise<DevFixture> {
    return new DevFixture(await AppsFixture.start(options));
  }

  /** Uploads an archive with these entries, as Studio does. */
  async upload(entries: readonly TarEntry[]): Promise<void> {
    await this.uploadBytes(await tgzOf(entries));
  }

  /** Uploads a Dockerfile for an app that does what the recipe says. */
  async uploadApp(recipe: AppRecipe = {}, lines: readonly string[] = []): Promise<void> {
    await this.upload([{ name: "Dockerfile", content: dockerfileOf(recipe, lines) }]);
  }

  /** Uploads an archive as it is. */
  async uploadBytes(bytes: Uint8Array): Promise<void> {
    this.#uploads += 1;
    const write = (chunk: string) =>
      this.apps.apps.writeData({
        ...{ chunk, fileName: uploadName, containerName: devContainer },
        ...{ totalBytes: bytes.length, id: `upload-${this.#uploads}` },
      });
    await write("BEGIN");
    for (let at = 0; at < bytes.length; at += chunkBytes) await write(bytes.subarray(at, at + chunkBytes).toHex());
    await write("END");
  }

  /** Requests a state of the DEV app. */
  async request(target: string, fields: RequestOptions = {}): Promise<void> {
    await this.apps.request(target, { ...devFields, ...fields });
  }

  /** Requests a state and waits for the entry `end`. Returns the states that were reported since. */
  async requestUntil(target: string, end: string, fields: RequestOptions = {}): Promise<string[]> {
    await this.apps.requestUntil(target, end, { ...devFields, ...fields });
    return this.states();
  }

  /** The states that were reported since the last request. */
  states(): string[] {
    return this.apps.studio.reports.map(({ state }) => state);
  }

  /** The status of a container; undefined when there is none. */
  async status(name = devContainer): Promise<string | undefined> {
    return await this.inspect("{{.State.Status}}", name);
  }

  /** Inspects a container with a template; undefined when there is none. */
  async inspect(template: string, name = devContainer): Promise<string | undefined> {
    const { code, stdout } = await this.apps.engine.tryDocker(["inspect", "-f", template, name]);
    return code === 0 ? stdout.trim() : undefined;
  }

  /** What the app has printed. */
  async output(): Promise<string> {
    const { stdout, stderr } = await this.apps.engine.tryDocker(["logs", devContainer]);
    return stdout + stderr;
  }

  /** The images of the app and of its releases on the engine, without the registry's host; sorted. */
  async images(): Promise<string[]> {
    return (await this.allImages()).filter((name) => name.includes("_7_shop"));
  }

  /** All images of the engine, also without a tag, and without the registry's host; sorted. */
  async allImages(): Promise<string[]> {
    const all = await this.apps.engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}");
    const { host } = this.apps.registry;
    return all.split("\n").filter(Boolean).map((name) => name.replace(`${host}/`, "")).sort((a, b) => {
      return a === busyboxImage ? -1 : b === busyboxImage ? 1 : a < b ? -1 : 1;
    });
  }

  /** Containers that are on the engine, whatever has made them. */
  async containers(): Promise<string[]> {
    return (await this.apps.engine.docker("ps", "-a", "--format", "{{.Names}}")).split("\n").filter(Boolean).sort();
  }

  /** What lies in the build folder, sorted. */
  buildFolder(): string[] {
    return [...Deno.readDirSync(`${this.apps.folder}/apps/build`)].map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.apps[Symbol.asyncDispose]();
  }
}

/** Studio names no installed version of a DEV app. */
const devFields: RequestOptions = { stage: "DEV", present_version: "", newest_version: "" };
