/** Counts the log lines that come from the apps of a device. */

import { logTopic } from "../../lib/wamp/topics.ts";
import { channelOf, linesOf } from "../studio/log_events.ts";
import type { Stage } from "./stage.ts";

/** Follows the logs of some apps until it is disposed. */
export class LogLines implements AsyncDisposable {
  readonly #subscriptions = new AsyncDisposableStack();
  /** Lines that came in. */
  seen = 0;

  private constructor() {}

  /** Begins to follow. */
  static async follow({ studio, device }: Stage, apps: readonly string[]): Promise<LogLines> {
    const lines = new LogLines();
    for (const app of studio.apps(device).filter(({ appName }) => apps.includes(appName))) {
      const topic = logTopic(device.serial, channelOf(app));
      const take = ({ args }: { args: readonly unknown[] }) => void (lines.seen += linesOf(args).length);
      lines.#subscriptions.use(await studio.backend.subscribe(topic, take));
    }
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#subscriptions.disposeAsync();
  }
}
