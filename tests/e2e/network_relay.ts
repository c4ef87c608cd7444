/** Lets a device reach the router of a test only through a network that NetworkManager manages. */

import { endProcess, startInBackground } from "../../scripts/testbed/background.ts";
import type { SmallNetwork } from "../../scripts/testbed/network_manager.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";

/** Runs in the namespace of the network: from its router's address to a socket file, which all namespaces share. */
const source = `
  const [hostname, port, path] = Deno.args;
  for await (const client of Deno.listen({ hostname, port: Number(port) })) {
    Deno.connect({ transport: "unix", path }).then((router) => Promise.all([
      client.readable.pipeTo(router.writable),
      router.readable.pipeTo(client.writable),
    ])).catch(() => {});
  }`;

/** A way to the router. Disposing closes it. */
export class NetworkRelay implements AsyncDisposable {
  /** What the device dials. */
  readonly url: string;
  readonly #folder: string;
  readonly #listener: Deno.UnixListener;
  readonly #lines: Promise<void>[] = [];
  #pid: number | undefined;

  private constructor(folder: string, url: string) {
    this.#folder = folder;
    this.url = url;
    this.#listener = Deno.listen({ transport: "unix", path: `${folder}/router.sock` });
  }

  /** Opens one from the address of the network's router to the router at `url` on this machine. */
  static async start({ namespace, options: { router } }: SmallNetwork, url: string): Promise<NetworkRelay> {
    const target = new URL(url);
    const folder = await Deno.makeTempDir({ prefix: "relay-" });
    const relay = new NetworkRelay(folder, `${target.protocol}//${router}:${target.port}${target.pathname}`);
    relay.#lines.push(relay.#accept(Number(target.port)));
    const place = [router, target.port, `${folder}/router.sock`];
    await Deno.writeTextFile(`${folder}/relay.js`, source);
    const program = [Deno.execPath(), "run", "--no-prompt", "--quiet", "--no-config", "--allow-all", "--unstable-net"];
    const { pid } = await startInBackground(
      "nsenter",
      [`--net=/run/netns/${namespace}`, ...program, `${folder}/relay.js`, ...place],
      { logFile: `${folder}/relay.log` },
    );
    relay.#pid = pid;
    await pollUntil("the relay listens", async () => {
      return await Deno.connect({ hostname: router, port: Number(target.port) }).then((line) => {
        line.close();
        return true;
      }, () => undefined);
    });
    return relay;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#pid !== undefined) await endProcess(this.#pid);
    this.#listener.close();
    await Promise.all(this.#lines);
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #accept(port: number): Promise<void> {
    const carry = async (client: Deno.UnixConn) => {
      const router = await Deno.connect({ hostname: "127.0.0.1", port });
      await Promise.all([client.readable.pipeTo(router.writable), router.readable.pipeTo(client.writable)]);
    };
    // A line that breaks is what a test of a network is about.
    for await (const client of this.#listener) this.#lines.push(carry(client).catch(() => {}));
  }
}
