/** What the agent writes to the logs of apps, and which containers' logs go there. */

import type { AppId } from "../../model/app.ts";
import { type AppNames, type NamedApp, shownContainerName } from "../../model/app_names.ts";
import type { AppsDeps } from "../dependencies.ts";
import { failedServiceText } from "../plan/texts.ts";
import type { AppRecords } from "../state/app_records.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { ObservedContainer, ObservedService } from "../state/observed_app.ts";

/** What the channels work with. */
export interface AppChannelsDeps {
  appLogs: Pick<
    AppsDeps["appLogs"],
    "say" | "showExited" | "showExitedService" | "follow" | "followProject" | "noteServiceExit" | "forget"
  >;
  records: Pick<AppRecords, "find">;
  namesOf(app: NamedApp): AppNames;
}

/** Logs that are kept of apps that are gone. */
export const retiredLogLimit = 50;

/** The log channels of all apps; each has the name of a container. */
export class AppChannels {
  readonly #deps: AppChannelsDeps;
  /** The runs whose logs are followed, by the name of the container. */
  readonly #followed = new Map<string, Pick<ObservedContainer, "id" | "startedAt">>();
  /** Apps that are gone but whose logs are kept, by channel, the oldest first. */
  readonly #retired = new Map<string, AppId>();

  constructor(deps: AppChannelsDeps) {
    this.#deps = deps;
  }

  /** Writes one line for people. */
  say(app: LiveApp, text: string): void {
    this.#deps.appLogs.say(this.#channelOf(app), text);
  }

  /** Shows the last lines of a container that has exited, and its exit code. */
  async showExit(app: LiveApp, exitCode: number, signal: AbortSignal): Promise<void> {
    const channel = this.#channelOf(app);
    await this.#deps.appLogs.showExited(channel, channel, signal);
    this.say(app, `${app.appName} (${app.id.stage}) exited with status code: ${exitCode}`);
  }

  /** Shows the last lines of a service that has exited, and what that means for its app. */
  async showServiceExit(
    app: LiveApp,
    { id, name, exitCode }: { id: string; name: string; exitCode: number },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#deps.appLogs.showExitedService(this.#channelOf(app), { id, name }, signal);
    this.say(app, failedServiceText(`${app.appName} (${app.id.stage})`, { name, exitCode }));
  }

  /** Follows the logs of all containers of an app's project, unless nothing has happened to them. */
  followProject(app: LiveApp, services: readonly ObservedService[]): void {
    const { container: channel, project } = this.#deps.namesOf(app);
    const id = services.map((service) => `${service.id} ${service.status}`).sort().join(" ");
    if (this.#followed.get(channel)?.id === id) return;
    this.#followed.set(channel, { id });
    const shown = services.map(({ id, name, status }) => {
      return { id, name: shownContainerName(name, project), isRunning: status === "running" };
    });
    this.#deps.appLogs.followProject(channel, shown);
  }

  /** The engine has reported that a container of an app's project has exited. */
  noteServiceExit(app: LiveApp, exited: { id: string; exitCode: number }): void {
    this.#deps.appLogs.noteServiceExit(this.#channelOf(app), exited);
  }

  /** Follows the log of a running container, unless this run of it is followed already. */
  follow(container: ObservedContainer): void {
    if (this.#isFollowed(container)) return;
    const { id, name, startedAt, isMadeByAgent = false } = container;
    this.#followed.set(name, { id, startedAt });
    // Agents give a terminal to all their containers.
    const known = isMadeByAgent ? { id, status: "running", tty: true } : undefined;
    this.#deps.appLogs.follow(name, { containerName: name, known });
  }

  /** Forgets an app that is gone. While its data is kept, its log stays for those who want to read of the removal. */
  forget(app: LiveApp): void {
    if (app.state === "REMOVED") this.retire(app);
    else this.#forget(app.id, this.#channelOf(app));
  }

  /** Keeps the log of an app that is gone, while it is one of the newest 50 of its kind. */
  retire(app: LiveApp): void {
    const channel = this.#channelOf(app);
    this.#retired.delete(channel);
    this.#retired.set(channel, app.id);
    for (const [oldest, id] of [...this.#retired].slice(0, Math.max(0, this.#retired.size - retiredLogLimit))) {
      this.#retired.delete(oldest);
      // It may have come back.
      if (this.#deps.records.find(id) === undefined) this.#forget(id, oldest);
    }
  }

  #forget(id: AppId, channel: string): void {
    this.#followed.delete(channel);
    this.#deps.appLogs.forget(id, channel);
  }

  #channelOf(app: LiveApp): string {
    return this.#deps.namesOf(app).container;
  }

  /** A list of all containers does not tell when one was started; the follower of its log notices a new start. */
  #isFollowed({ name, id, startedAt }: ObservedContainer): boolean {
    const followed = this.#followed.get(name);
    return followed?.id === id && (startedAt === undefined || followed.startedAt === startedAt);
  }
}
