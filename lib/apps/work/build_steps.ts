/** The steps of a transition that make images of an upload and publish them. */

import { AgentError, hasCode } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { AppLogs, LogFeed } from "../../app_logs/app_logs.ts";
import type { BuildOptions } from "../../docker/build.ts";
import type { CliBuildOptions } from "../../docker/cli_build.ts";
import type { Engine } from "../../docker/engine.ts";
import { isTag, type RegistryAuth, splitReference } from "../../docker/registry.ts";
import { HeldFolder } from "../../files/held_folder.ts";
import { fileError } from "../../files/os_error.ts";
import { fileNameOf, folderOf } from "../../files/path_parts.ts";
import { removeTree } from "../../host/remove_tree.ts";
import type { AppNames } from "../../model/app_names.ts";
import { type ArchiveFacts, checkArchive, extractArchive } from "../build/archive.ts";
import { dockerfileFor, type UploadPaths } from "../build/upload_paths.ts";
import { type ComposeService, imageOfService, type ImageOptions, servicesOf } from "../compose/definition.ts";
import type { BuildStep } from "../plan/steps.ts";
import { explainPull } from "./explain_pull.ts";
import { dropReplaced } from "./replaced_images.ts";
import { anonymousPullText, type PullLogin } from "./pull_login.ts";

/** The app whose image is made, and the rest of the device as far as these steps need it. */
export interface BuildContext {
  app: { appName: string; id: { appKey: number } };
  /** Those of the DEV app. */
  names: Pick<AppNames, "container" | "repository">;
  /** The repository of its releases: that of the PROD app of the same key and name. */
  releaseRepository: string;
  /** The log channel of its releases; see `publishChannelOf()`. */
  releaseChannel: string;
  /** The app is on this device as PROD, too. */
  isReleaseInstalled(): boolean;
  upload: UploadPaths;
  /** Of this machine, as Dockerfiles are named after it: `amd64`. */
  arch: string;
  /** Null for an app of one container. */
  dockerCompose: Record<string, unknown> | null;
  images: ImageOptions;
  engine: Pick<
    Engine,
    | ("addTag" | "checkLogin" | "hasImage" | "imagesOf" | "listImages")
    | ("openBuild" | "openPull" | "openPush" | "untag")
  >;
  appLogs: Pick<AppLogs, "openFeed" | "say">;
  /** The login for the registry of an image. */
  login(reference: string): Promise<PullLogin>;
  /** Logins for whatever images a build is based on. */
  logins(): Promise<readonly RegistryAuth[]>;
  /** Builds with the command line, for an engine without a builder of its own. */
  buildWithCli(options: CliBuildOptions): Promise<void>;
  /** Free bytes on the disk that the build needs; undefined when unknown. */
  readFreeBytes(): Promise<number | undefined>;
  log: Log;
}

type ImageBuild = Omit<BuildOptions, "buildId">;

/** The build steps of one transition; each can be repeated. */
export class BuildSteps {
  readonly #context: BuildContext;
  #facts: ArchiveFacts | undefined;

  constructor(context: BuildContext) {
    this.#context = context;
  }

  /**
   * Performs a step. Throws `archive_missing`, `archive_refused`, `build_failed`, `pull_failed`, `push_failed`,
   * `no_space`, `canceled` and what the engine throws; the texts are for people.
   */
  async perform(step: BuildStep, signal: AbortSignal): Promise<void> {
    switch (step.kind) {
      case "checkUpload":
        return await this.#checkUpload(signal);
      case "buildImage":
        return await this.#buildImage(step, signal);
      case "tagRelease":
        return await this.#tagRelease(step.version, signal);
      case "pushImage":
        return await this.#push(`${this.#context.releaseRepository}:${step.version}`, signal);
      case "dropReleases":
        return await this.#dropReleases(step, signal);
      case "extractUpload":
        return await extractArchive(this.#context.upload.archive, this.#context.upload.folder, signal);
      case "rehostImages":
        return await this.#rehostImages(signal);
      case "pushServices":
        return await this.#pushServices(signal);
      case "deleteUpload":
        return await this.#deleteUpload(signal);
    }
  }

  async #checkUpload(signal: AbortSignal): Promise<void> {
    const { upload: { archive }, dockerCompose, readFreeBytes } = this.#context;
    this.#facts = undefined;
    const facts = await checkArchive(archive, { freeBytes: await readFreeBytes(), signal });
    if (dockerCompose === null) this.#dockerfileIn(facts);
    this.#facts = facts;
  }

  /** Throws `build_failed` when it is missing or empty. */
  #dockerfileIn({ rootFiles }: ArchiveFacts): string {
    const { arch, upload: { archive } } = this.#context;
    const dockerfile = dockerfileFor(rootFiles, arch);
    if (dockerfile === undefined) {
      const wanted = `add a "Dockerfile" or a "Dockerfile.${arch}"`;
      throw new AgentError(
        "build_failed",
        `There is no Dockerfile in the root folder of the upload "${
          fileNameOf(archive)
        }"; ${wanted} and upload the app again`,
      );
    }
    if (rootFiles.get(dockerfile) !== 0) return dockerfile;
    throw new AgentError("build_failed", `The file "${dockerfile}" of the upload "${fileNameOf(archive)}" is empty`);
  }

  async #buildImage({ isRelease }: { isRelease: boolean }, signal: AbortSignal): Promise<void> {
    const { names, upload, engine, logins, log } = this.#context;
    if (this.#facts === undefined) await this.#checkUpload(signal);
    const facts = this.#facts;
    if (facts === undefined) return;
    const options = {
      archivePath: upload.archive,
      dockerfile: this.#dockerfileIn(facts),
      reference: `${names.repository}:latest`,
      logins: await logins(),
      signal,
    };
    // Another upload may replace the archive any time.
    this.#facts = undefined;
    const build = () => this.#build(options, { isRelease });
    await dropReplaced({ engine, log }, { references: [options.reference], work: build }, signal);
  }

  async #build(options: ImageBuild, { isRelease }: { isRelease: boolean }): Promise<void> {
    const { app, engine, buildWithCli, log } = this.#context;
    await this.#withFeed(isRelease ? "release" : "app", async (feed) => {
      try {
        const build = await engine.openBuild({ ...options, buildId: `build_${app.id.appKey}_${app.appName}` });
        await build.readToEnd((line) => feed.push(line));
      } catch (error) {
        if (!hasCode(error, "not_available")) throw error;
        log.info("The engine has no builder of its own, so the command line builds", { error });
        await buildWithCli({ ...options, onLines: (lines) => lines.forEach((line) => feed.push(line)) });
      }
    });
  }

  async #tagRelease(version: string, signal: AbortSignal): Promise<void> {
    const { engine, names, releaseRepository } = this.#context;
    if (!isTag(version)) {
      throw new AgentError(
        "bad_request",
        `Cannot publish version ${JSON.stringify(version)}: no image can be tagged with it`,
      );
    }
    await engine.addTag(`${names.repository}:latest`, { repository: releaseRepository, tag: version }, signal);
  }

  /** Best effort: the next publish, and the removal of the app, try again. */
  async #dropReleases({ except }: { except?: string }, signal: AbortSignal): Promise<void> {
    const { engine, releaseRepository, isReleaseInstalled, log } = this.#context;
    if (isReleaseInstalled()) return;
    for (const tag of await engine.imagesOf(releaseRepository, signal)) {
      if (tag === except) continue;
      try {
        await engine.untag(`${releaseRepository}:${tag}`, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        log.warn("Cannot remove the image of a release", { repository: releaseRepository, tag, error });
      }
    }
  }

  async #push(reference: string, signal: AbortSignal): Promise<void> {
    const { engine, log } = this.#context;
    const { host, auth } = await this.#context.login(reference);
    await this.#withFeed("release", async (feed) => {
      try {
        const push = await engine.openPush(reference, auth, signal);
        await push.readToEnd((line) => feed.push(line));
      } catch (error) {
        throw signal.aborted ? error : await explainPull(error, { reference, host, auth, engine, log }, signal);
      }
    });
  }

  /** Makes a release self-contained: what its services are based on is copied into the registry of the device. */
  async #rehostImages(signal: AbortSignal): Promise<void> {
    const copies = new Map<string, string>();
    for (const service of this.#services()) {
      if (service.sourceImage === undefined) continue;
      const image = imageOfService(service, this.#context.images);
      if (image !== undefined) copies.set(image, service.sourceImage);
      else throw new AgentError("bad_request", `The service "${service.name}" has x-source-image, and no image`);
    }
    for (const [image, source] of copies) await this.#rehost({ image, source }, signal);
  }

  async #rehost({ image, source }: { image: string; source: string }, signal: AbortSignal): Promise<void> {
    const { engine, log } = this.#context;
    const wasThere = await engine.hasImage(source, signal);
    await this.#pull(source, signal);
    await engine.addTag(source, splitReference(image), signal);
    await this.#push(image, signal);
    if (wasThere || source === image) return;
    await engine.untag(source, signal).catch((error) => {
      if (signal.aborted) throw error;
      log.warn("Cannot remove an image that was only copied", { source, error });
    });
  }

  async #pull(reference: string, signal: AbortSignal): Promise<void> {
    const { engine, appLogs, releaseChannel, log } = this.#context;
    const { host, auth, isOwn } = await this.#context.login(reference);
    if (auth === undefined && !isOwn) appLogs.say(releaseChannel, anonymousPullText(host));
    await this.#withFeed("release", async (feed) => {
      try {
        const pull = await engine.openPull(reference, auth, signal);
        await pull.readToEnd((line) => feed.push(line));
      } catch (error) {
        throw signal.aborted ? error : await explainPull(error, { reference, host, auth, engine, log }, signal);
      }
    });
  }

  /** As `docker compose push`: what was built and has a name. */
  async #pushServices(signal: AbortSignal): Promise<void> {
    const built = this.#services().filter(({ isBuilt, sourceImage }) => isBuilt && sourceImage === undefined);
    const images = built.flatMap((service) => imageOfService(service, this.#context.images) ?? []);
    for (const image of new Set(images)) await this.#push(image, signal);
  }

  #services(): ComposeService[] {
    const { dockerCompose } = this.#context;
    return dockerCompose === null ? [] : servicesOf(dockerCompose);
  }

  async #deleteUpload(signal: AbortSignal): Promise<void> {
    const { upload: { archive, folder } } = this.#context;
    try {
      await using above = await HeldFolder.open(folderOf(archive));
      if (above === undefined) return;
      await above.remove(fileNameOf(archive));
      const options = { signal, timeoutMs: deletionLimitMs, shownPath: folder };
      await removeTree(above.pathForChild(fileNameOf(folder)), options);
    } catch (error) {
      throw fileError(`Cannot delete the upload "${archive}"`, error);
    }
  }

  async #withFeed(of: "app" | "release", work: (feed: LogFeed) => Promise<void>): Promise<void> {
    const { appLogs, names, releaseChannel } = this.#context;
    const feed = appLogs.openFeed(of === "app" ? names.container : releaseChannel);
    try {
      await work(feed);
    } finally {
      await feed.end();
    }
  }
}

const deletionLimitMs = 600_000;
