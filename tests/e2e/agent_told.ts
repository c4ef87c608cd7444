/** Writes down what Studio and the people in front of it hear of one app, in the order in which they hear it. */

import type { Report } from "../../scripts/studio/reports.ts";
import { isDict } from "../../lib/base/json.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";

/**
 * What was heard of an app. `entries` has a state for a report (`RUNNING`, `PRESENT pending_remote_confirmation`), a text in
 * quotes for a message of the agent, and `LOGGER_CLEAR`. Lines of the container are in `lines`, those of pulls are counted.
 */
export class Told {
  readonly entries: string[] = [];
  readonly lines: string[] = [];
  progress = 0;
  /** Events with lines of the container. */
  events = 0;

  /** Takes a state report. */
  takeReport({ state, updateStatus }: Report): void {
    this.entries.push([state, updateStatus].filter((word) => word !== "").join(" "));
  }

  /** Takes an event of the app's log topic. Throws when it has a form that the wire contract does not know. */
  takeEvent(args: readonly unknown[]): void {
    const [content] = args;
    if (args.length !== 1) throw new Error(`An event of a log has one argument: ${JSON.stringify(args)}`);
    if (isDict(content) && content.type === "build" && typeof content.chunk === "string") {
      this.entries.push(content.chunk === "LOGGER_CLEAR" ? content.chunk : `"${content.chunk}"`);
    } else if (typeof content === "string") {
      const lines = content.split("\n");
      const said = lines.filter((line) => !line.startsWith('{"'));
      this.lines.push(...said);
      this.progress += lines.length - said.length;
      if (said.length > 0) this.events += 1;
    } else throw new Error(`Cannot read an event of a log: ${JSON.stringify(args)}`);
  }

  /** Forgets everything. */
  clear(): void {
    this.entries.length = 0;
    this.lines.length = 0;
    this.progress = 0;
    this.events = 0;
  }

  /** Waits until an entry is there; a text may end in `…` for "begins with". Throws with what was heard instead. */
  async until(entry: string, limitMs = 20_000): Promise<void> {
    const start = entry.endsWith("…") ? entry.slice(0, -1) : undefined;
    const isThere = () => this.entries.some((told) => start === undefined ? told === entry : told.startsWith(start));
    try {
      await pollUntil(`told ${entry}`, () => Promise.resolve(isThere() || undefined), { limitMs });
    } catch (cause) {
      throw new Error(`Waited in vain for ${entry}; told: ${JSON.stringify(this.entries)}`, { cause });
    }
  }
}
