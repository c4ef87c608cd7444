/** What the agent writes to the logs of apps, and which containers' logs go there. */

import type { AppNames, NamedApp } from "../../model/app_names.ts";
import type { AppsDeps } from "../dependencies.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { ObservedContainer } from "../state/observed_app.ts";

/** What the channels work with. */
export interface AppChannelsDeps {
  appLogs: Pick<AppsDeps["appLogs"], "say" | "showExited" | "follow" | "forget">;
  namesOf(app: NamedApp): AppNames;
}

/** The log channels of all apps; each has the name of a container. */
export class AppChannels {
  readonly #deps: AppChannelsDeps;
  /** The runs whose logs are followed, by the name of the container. */
  readonly #followed = new Map<string, Pick<ObservedContainer, "id" | "startedAt">>();

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
    if (app.state !== "REMOVED") this.#deps.appLogs.forget(app.id, this.#channelOf(app));
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
