/** Somebody who uses a terminal: types, and counts and times what comes back. */

import { deviceUri } from "../../lib/backend/uris.ts";
import { isDict } from "../../lib/base/json.ts";
import type { Session } from "../../lib/wamp/session.ts";
import { memberText } from "../studio/command_line/command.ts";
import { pollUntil } from "../testbed/wait.ts";
import { timeOf } from "./yardsticks.ts";

/** An open terminal. */
export class TerminalUser {
  readonly #session: Session;
  readonly #serial: string;
  readonly #topics: Record<string, unknown>;
  readonly #isBytes: boolean;
  #text = "";
  #bytes = 0;
  #onOutput: () => void = () => {};

  private constructor(session: Session, place: { serial: string; topics: Record<string, unknown>; isBytes: boolean }) {
    this.#session = session;
    this.#serial = place.serial;
    this.#topics = place.topics;
    this.#isBytes = place.isBytes;
  }

  /** Opens one, in a container or on the device, and waits for the prompt. */
  static async open(session: Session, place: { serial: string; container?: string }): Promise<TerminalUser> {
    const { serial, container } = place;
    const [name, args] = container === undefined
      ? ["init_device_terminal", []]
      : ["request_terminal_session", [{ containerName: container }]];
    const [topics] = (await session.call(deviceUri(serial, name), args, { timeoutMs: 60_000 })).args;
    if (!isDict(topics)) throw new Error("The device has opened no terminal");
    const user = new TerminalUser(session, { serial, topics, isBytes: container !== undefined });
    await session.subscribe(user.#topic("dataTopic"), ({ args: [part] }) => user.#take(part));
    if (container !== undefined) await user.#callWithId("start_terminal_session");
    await user.until("# ");
    return user;
  }

  /** How long each key takes until it is shown, in milliseconds. */
  async timeKeys(count: number): Promise<number[]> {
    await this.type("cat\r");
    await this.until("cat\r\n");
    const times: number[] = [];
    for (let at = 0; at < count; at += 1) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onOutput = resolve;
      times.push(
        await timeOf(async () => {
          await this.type("k");
          await promise;
        }),
      );
    }
    this.#onOutput = () => {};
    await this.type("\x03");
    return times;
  }

  /** How many million bytes a second arrive of what a command prints. */
  async timeOutput(megabytes: number): Promise<number> {
    const before = this.#bytes;
    const command = `head -c ${megabytes}000000 /dev/zero | tr '\\0' x; echo; echo do''ne\r`;
    const ms = await timeOf(async () => {
      await this.type(command);
      await this.until("done\r\n", 120_000);
    });
    return (this.#bytes - before) / 1_000 / ms;
  }

  async type(text: string): Promise<void> {
    await this.#session.publish(this.#topic("writeTopic"), [text]);
  }

  async until(text: string, limitMs = 30_000): Promise<void> {
    await pollUntil(`a terminal shows ${text}`, () => Promise.resolve(this.#text.includes(text) || undefined), {
      limitMs,
    });
    this.#text = "";
  }

  /** Ends the shell. */
  async close(): Promise<void> {
    if (this.#isBytes) await this.#callWithId("stop_terminal_session");
    else await this.type("exit\r");
  }

  async #callWithId(name: string): Promise<void> {
    await this.#session.call(deviceUri(this.#serial, name), [{ sessionID: this.#topics.sessionID }]);
  }

  #topic(name: string): string {
    return memberText(this.#topics, name);
  }

  #take(part: unknown): void {
    if (typeof part !== "string") return;
    const bytes = this.#isBytes ? Uint8Array.fromBase64(part) : new TextEncoder().encode(part);
    this.#bytes += bytes.length;
    this.#text = (this.#text + new TextDecoder().decode(bytes)).slice(-4_000);
    this.#onOutput();
  }
}
