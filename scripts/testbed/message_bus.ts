/** Starts and stops a private D-Bus system bus, for tests in a box. */

import { type Background, killProcess, startInBackground } from "./background.ts";
import { requireBox } from "./box.ts";
import { pollUntil } from "./wait.ts";

/**
 * A running `dbus-daemon` on which everybody may own every name.
 * - It keeps its address over stop and start.
 * - Disposing ends it and removes its folder.
 */
export class MessageBus implements AsyncDisposable {
  /** The value for `DBUS_SYSTEM_BUS_ADDRESS`. */
  readonly address: string;
  readonly #folder: string;
  #process: Background | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
    this.address = `unix:path=${folder}/bus.sock`;
  }

  /** Starts a bus and waits until it listens. */
  static async start(): Promise<MessageBus> {
    requireBox();
    const bus = new MessageBus(await Deno.makeTempDir({ prefix: "bus-" }));
    await Deno.writeTextFile(`${bus.#folder}/bus.conf`, configuration(bus.address));
    await bus.start();
    return bus;
  }

  /** Starts it again after `stop()`. */
  async start(): Promise<void> {
    const args = [`--config-file=${this.#folder}/bus.conf`, "--nofork", "--nopidfile"];
    this.#process = await startInBackground("dbus-daemon", args, { logFile: `${this.#folder}/bus.log` });
    await pollUntil("the bus listens", async () => await this.#listens() || undefined);
  }

  /** Kills it: every connection is lost. */
  async stop(): Promise<void> {
    if (this.#process !== undefined) await killProcess(this.#process.pid);
    this.#process = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #listens(): Promise<boolean> {
    try {
      (await Deno.connect({ transport: "unix", path: `${this.#folder}/bus.sock` })).close();
      return true;
    } catch {
      return false;
    }
  }
}

function configuration(address: string): string {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>${address}</listen><auth>EXTERNAL</auth><policy context="default">
<allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
<allow send_destination="*" eavesdrop="true"/><allow receive_sender="*" eavesdrop="true"/></policy></busconfig>
`;
}
