/** A page over TLS that is reached through a tunnel server, which passes the connection on as it is. */

import { TestCa } from "../../scripts/testbed/certificate_authority.ts";
import { frpsPorts } from "../../scripts/testbed/frps.ts";
import { readAll } from "./tunnel_fixture.ts";

/** A server with the certificate of a host name, on a port that the system chooses. */
export class SecurePage implements AsyncDisposable {
  readonly #hostname: string;
  readonly #folder: string;
  readonly #authority: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(
    hostname: string,
    { folder, authority, server }: { folder: string; authority: string; server: Deno.HttpServer<Deno.NetAddr> },
  ) {
    this.#hostname = hostname;
    this.#folder = folder;
    this.#authority = authority;
    this.#server = server;
  }

  /** Serves `text` on all addresses of this machine. */
  static async serve(hostname: string, text: string): Promise<SecurePage> {
    const folder = await Deno.makeTempDir({ prefix: "page-" });
    const ca = await TestCa.create(folder);
    const { certificateFile, keyFile } = await ca.sign("app", { names: [`DNS:${hostname}`] });
    const [cert, key] = [await Deno.readTextFile(certificateFile), await Deno.readTextFile(keyFile)];
    const server = Deno.serve({ hostname: "0.0.0.0", port: 0, onListen() {}, cert, key }, () => new Response(text));
    return new SecurePage(hostname, { folder, authority: await Deno.readTextFile(ca.certificateFile), server });
  }

  get port(): number {
    return this.#server.addr.port;
  }

  /** What a browser gets that asks the tunnel server for the host name. */
  async read(): Promise<string> {
    const [hostname, caCerts] = [this.#hostname, [this.#authority]];
    const plain = await Deno.connect({ hostname: "127.0.0.1", port: frpsPorts.https });
    using tls = await Deno.startTls(plain, { hostname, caCerts });
    await tls.write(new TextEncoder().encode(`GET / HTTP/1.0\r\nHost: ${hostname}\r\n\r\n`));
    return await readAll(tls);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
