/** Records what Studio and its users see of one app, in the order in which it arrives. */

import type { Report } from "../../scripts/studio/reports.ts";
import { isDict } from "../../lib/base/json.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";

/**
 * What has been reported about an app. `entries` holds a state for each report (`RUNNING`, `PRESENT
 * pending_remote_confirmation`), quoted text for each message of the agent, and `LOGGER_CLEAR`. Lines of the container
 * are in `lines`; lines of pull progress are only counted.
 */
export class AppTranscript {
  readonly entries: string[] = [];
  readonly lines: string[] = [];
  progress = 0;
  /** The number of events that had lines of the container. */
  events = 0;

  /** Adds a state report. */
  addReport({ state, updateStatus }: Report): void {
    this.entries.push([state, updateStatus].filter((word) => word !== "").join(" "));
  }

  /** Adds an event of the app's log topic. Throws when it does not follow the wire contract. */
  addEvent(args: readonly unknown[]): void {
    const [content] = args;
    if (args.length !== 1) throw new Error(`A log event has one argument, got ${JSON.stringify(args)}`);
    if (isDict(content) && content.type === "build" && typeof content.chunk === "string") {
      this.entries.push(content.chunk === "LOGGER_CLEAR" ? content.chunk : `"${content.chunk}"`);
    } else if (typeof content === "string") {
      const lines = content.split("\n");
      const printed = lines.filter((line) => !line.startsWith('{"'));
      this.lines.push(...printed);
      this.progress += lines.length - printed.length;
      if (printed.length > 0) this.events += 1;
    } else throw new Error(`Cannot read a log event: ${JSON.stringify(args)}`);
  }

  /** Forgets everything. */
  clear(): void {
    this.entries.length = 0;
    this.lines.length = 0;
    this.progress = 0;
    this.events = 0;
  }

  /** Waits for an entry; one that ends in `…` matches by its beginning. Throws with the entries so far. */
  async until(entry: string, limitMs = 20_000): Promise<void> {
    const start = entry.endsWith("…") ? entry.slice(0, -1) : undefined;
    const isThere = () => this.entries.some((one) => start === undefined ? one === entry : one.startsWith(start));
    try {
      await pollUntil(`entry ${entry}`, () => Promise.resolve(isThere() || undefined), { limitMs });
    } catch (cause) {
      throw new Error(`No entry ${entry} among ${JSON.stringify(this.entries)}`, { cause });
    }
  }
}
