/** A viewer of an app's log, who counts what comes. */

import { logTopic } from "../../lib/backend/uris.ts";
import { countLines } from "./printed_lines.ts";
import { containerOf, type Stage } from "./stage.ts";

/** What a viewer has got so far; disposing ends it. */
export interface Follower extends AsyncDisposable {
  /** Lines of the app, lines that the agent says it has dropped, and the number in the last one. */
  readonly seen: { lines: number; dropped: number; lastNumber: number };
}

/** Subscribes to the log of an app. */
export async function followLog(stage: Stage, app: string): Promise<Follower> {
  const { studio, device } = stage;
  const seen = { lines: 0, dropped: 0, lastNumber: 0 };
  const topic = logTopic(device.serial, containerOf(stage, app));
  const subscription = await studio.backend.subscribe(topic, ({ args }) => {
    if (typeof args[0] !== "string") return;
    const { lines, dropped, lastNumber } = countLines(args[0]);
    seen.lines += lines;
    seen.dropped += dropped;
    seen.lastNumber = lastNumber ?? seen.lastNumber;
  });
  return { seen, [Symbol.asyncDispose]: () => subscription[Symbol.asyncDispose]() };
}
