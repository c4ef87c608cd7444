/** What the agent writes to the logs of apps, and which containers' logs go there. */

import type { AppId } from "../../model/app.ts";
import type { AppNames, NamedApp } from "../../model/app_names.ts";
import type { AppsDeps } from "../dependencies.ts";
import type { AppRecords } from "../state/app_records.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { ObservedContainer } from "../state/observed_app.ts";

/** What the channels work with. */
export interface AppChannelsDeps {
  appLogs: Pick<AppsDeps["appLogs"], "say" | "showExited" | "follow" | "forget">;
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
