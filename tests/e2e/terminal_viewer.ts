/** A viewer of terminals, as Studio is one: it subscribes to the output, publishes what is typed, and sets sizes. */

import assert from "node:assert/strict";
import { deviceUri } from "../../lib/backend/uris.ts";
import { isDict } from "../../lib/base/json.ts";
import type { Session } from "../../lib/wamp/session.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";

/** The topics of a terminal. */
export interface ViewedTopics {
  sessionID: string;
  dataTopic: string;
  writeTopic: string;
  resizeTopic: string;
}

const end = "TERMINAL_EOF";

/** One open terminal, and everything that it has shown. */
export class TerminalViewer {
  readonly topics: ViewedTopics;
  readonly #session: Session;
  readonly #serial: string;
  readonly #isBytes: boolean;
  readonly #parts: Uint8Array[] = [];
  readonly sizes: number[] = [];
  ends = 0;
  bytes = 0;
  #text = "";

  constructor(session: Session, options: { serial: string; topics: ViewedTopics; isBytes: boolean }) {
    this.#session = session;
    this.#serial = options.serial;
    this.topics = options.topics;
    this.#isBytes = options.isBytes;
  }

  /** Opens a terminal in a container and starts it. */
  static async openContainer(
    session: Session,
    { serial, containerName }: { serial: string; containerName: string },
  ): Promise<TerminalViewer> {
    const reply = await session.call(deviceUri(serial, "request_terminal_session"), [{ containerName }]);
    const viewer = new TerminalViewer(session, { serial, topics: readTopics(reply.args[0]), isBytes: true });
    await viewer.subscribe(session);
    await viewer.startSession();
    return viewer;
  }

  /** Opens the terminal of the device. */
  static async openDevice(session: Session, serial: string): Promise<TerminalViewer> {
    const reply = await session.call(deviceUri(serial, "init_device_terminal"));
    const viewer = new TerminalViewer(session, { serial, topics: readTopics(reply.args[0]), isBytes: false });
    await viewer.subscribe(session);
    return viewer;
  }

  /** Everything but the end marker, decoded. */
  get text(): string {
    return this.#text;
  }

  /** All bytes so far. */
  get all(): Uint8Array {
    const all = new Uint8Array(this.bytes);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** Receives the output on a session. */
  async subscribe(session: Session): Promise<void> {
    await session.subscribe(this.topics.dataTopic, ({ args }) => this.#take(args[0]));
  }

  async startSession(session = this.#session): Promise<void> {
    await session.call(deviceUri(this.#serial, "start_terminal_session"), [{ sessionID: this.topics.sessionID }]);
  }

  async stop(session = this.#session): Promise<void> {
    await session.call(deviceUri(this.#serial, "stop_terminal_session"), [{ sessionID: this.topics.sessionID }]);
  }

  async type(text: string, session = this.#session): Promise<void> {
    await session.publish(this.topics.writeTopic, [text], { acknowledge: true });
  }

  async resize([height, width]: [unknown, unknown], session = this.#session): Promise<void> {
    await session.call(this.topics.resizeTopic, [{ height, width }]);
  }

  /** Waits until the output has a text. */
  async until(text: string | RegExp, { limitMs = 20_000 } = {}): Promise<void> {
    const has = () => typeof text === "string" ? this.#text.includes(text) : text.test(this.#text);
    try {
      await pollUntil(`the terminal shows ${text}`, () => Promise.resolve(has() || undefined), { limitMs });
    } catch (error) {
      throw new Error(`${error}; it shows ${JSON.stringify(this.#text.slice(-600))}`);
    }
  }

  async untilEnd({ limitMs = 20_000 } = {}): Promise<void> {
    await pollUntil("the terminal has ended", () => Promise.resolve(this.ends > 0 || undefined), { limitMs });
  }

  #take(value: unknown): void {
    assert.ok(typeof value === "string");
    const bytes = this.#isBytes ? Uint8Array.fromBase64(value) : new TextEncoder().encode(value);
    const text = new TextDecoder().decode(bytes);
    if (text === end) {
      this.ends += 1;
      return;
    }
    this.sizes.push(bytes.length);
    this.#parts.push(bytes);
    this.bytes += bytes.length;
    this.#text = (this.#text + text).slice(-1_000_000);
  }
}

/** Reads what a call that opens a terminal returns. */
export function readTopics(value: unknown): ViewedTopics {
  assert.ok(isDict(value));
  const text = (name: string) => {
    const topic = value[name];
    assert.ok(typeof topic === "string", name);
    return topic;
  };
  return {
    sessionID: text("sessionID"),
    dataTopic: text("dataTopic"),
    writeTopic: text("writeTopic"),
    resizeTopic: text("resizeTopic"),
  };
}
