/** Tells systemd how a service is: the protocol of sd_notify(3). */

import { AgentError, messageOf } from "../base/errors.ts";
import { temporaryName } from "../files/temporary_name.ts";

/** A socket that sends to the one that systemd listens on. */
export class NotifySocket implements Disposable {
  readonly #socket: Deno.DatagramConn;
  readonly #address: string;

  private constructor(socket: Deno.DatagramConn, address: string) {
    this.#socket = socket;
    this.#address = address;
  }

  /**
   * A socket for the value of `NOTIFY_SOCKET`: a path, or `@` and an abstract name. The runtime binds it to a path of
   * its own, in the first of the `folders` that takes one; the path is removed again at once. Throws `io_failed`.
   */
  static open(address: string, { folders }: { folders: readonly string[] }): NotifySocket {
    let reason: unknown;
    for (const folder of folders) {
      const path = `${folder}/${temporaryName("reagent-notify-")}`;
      try {
        const socket = Deno.listenDatagram({ transport: "unixpacket", path });
        Deno.removeSync(path);
        return new NotifySocket(socket, address.replace(/^@/, "\0"));
      } catch (error) {
        reason ??= error;
      }
    }
    throw new AgentError("io_failed", `Cannot make a socket for systemd: ${messageOf(reason)}`, { cause: reason });
  }

  /** Sends assignments such as `READY=1`. Throws `io_failed` when nobody listens. */
  async send(...assignments: readonly string[]): Promise<void> {
    try {
      const bytes = new TextEncoder().encode(assignments.join("\n"));
      await this.#socket.send(bytes, { transport: "unixpacket", path: this.#address });
    } catch (error) {
      throw new AgentError("io_failed", `Cannot tell systemd how the agent is: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
