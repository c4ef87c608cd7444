/** A viewer of an app's log that counts what it receives. */

import { logTopic } from "../../lib/backend/uris.ts";
import { countLines } from "./printed_lines.ts";
import { type BenchFixture, containerOf } from "./fixture.ts";

/** A viewer; disposing ends it. */
export interface LogViewer extends AsyncDisposable {
  /** Lines of the app, lines that the agent reports as dropped, and the number in the last line. */
  readonly received: { lines: number; dropped: number; lastNumber: number };
}

/** Subscribes to the log of an app. */
export async function openLogViewer(fixture: BenchFixture, app: string): Promise<LogViewer> {
  const { studio, device } = fixture;
  const received = { lines: 0, dropped: 0, lastNumber: 0 };
  const topic = logTopic(device.serial, containerOf(fixture, app));
  const subscription = await studio.backend.subscribe(topic, ({ args }) => {
    if (typeof args[0] !== "string") return;
    const { lines, dropped, lastNumber } = countLines(args[0]);
    received.lines += lines;
    received.dropped += dropped;
    received.lastNumber = lastNumber ?? received.lastNumber;
  });
  return { received, [Symbol.asyncDispose]: () => subscription[Symbol.asyncDispose]() };
}
