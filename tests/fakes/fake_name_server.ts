/** A name server for the box that resolves every name to one address, or does not answer at all. */

import { runProgram } from "../../scripts/programs.ts";
import { requireBox } from "../../scripts/testbed/box.ts";

/** Resolves names for the whole box until it is disposed. */
export class FakeNameServer implements AsyncDisposable {
  readonly #socket: Deno.DatagramConn;
  readonly #serving: Promise<void>;
  isDead = false;

  private constructor(socket: Deno.DatagramConn) {
    this.#socket = socket;
    this.#serving = this.#serve();
  }

  /** Replaces the machine's name servers inside this box. */
  static async start(): Promise<FakeNameServer> {
    const file = `${requireBox().folder}/resolv.conf`;
    await Deno.writeTextFile(file, "nameserver 127.0.0.1\n");
    const { code, stderr } = await runProgram("mount", ["--bind", file, "/etc/resolv.conf"]);
    if (code !== 0) throw new Error(stderr);
    return new FakeNameServer(Deno.listenDatagram({ hostname: "127.0.0.1", port: 53, transport: "udp" }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#serving;
    await runProgram("umount", ["/etc/resolv.conf"]);
  }

  async #serve(): Promise<void> {
    for await (const [query, from] of this.#socket) {
      if (!this.isDead) await this.#socket.send(answerTo(query), from);
    }
  }
}

/** Repeats the question and, for an IPv4 address (type 1), answers 127.0.0.1 for a minute. */
function answerTo(query: Uint8Array): Uint8Array {
  const end = query.indexOf(0, 12) + 5;
  const question = query.subarray(12, end);
  const hasAnswer = query[end - 3] === 1;
  const head = [query[0] ?? 0, query[1] ?? 0, 0x81, 0x80, 0, 1, 0, hasAnswer ? 1 : 0, 0, 0, 0, 0];
  const answer = hasAnswer ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1] : [];
  return new Uint8Array([...head, ...question, ...answer]);
}
