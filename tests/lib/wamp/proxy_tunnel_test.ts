import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { noProxies, type ProxySettings } from "../../../lib/wamp/proxy.ts";
import { openStream } from "../../../lib/wamp/stream.ts";
import { never } from "./open_session.ts";

/** A small proxy on loopback that records what it was asked for. */
class Proxy implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(behaviour: (socket: Socket, proxy: Proxy) => void) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
      behaviour(socket, this);
    });
  }

  static async listen(behaviour: (socket: Socket, proxy: Proxy) => void): Promise<Proxy> {
    const proxy = new Proxy(behaviour);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get address(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return `127.0.0.1:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** Answers the tunnel with a greeting in the same packet, as a fast server behind a proxy would. */
function connectProxy(status: string): (socket: Socket, proxy: Proxy) => void {
  return (socket, proxy) => {
    socket.once("data", (data) => {
      proxy.asked.push(data.toString());
      socket.write(`HTTP/1.1 ${status}\r\nX: y\r\n\r\nhello`);
    });
  };
}

/** A SOCKS5 proxy that sends every answer byte by byte. */
function socksProxy(options: { login?: string; refuse?: number }): (socket: Socket, proxy: Proxy) => void {
  const speak = async (socket: Socket, proxy: Proxy) => {
    const reader = socket[Symbol.asyncIterator]();
    const read = async () => {
      const chunk: unknown = (await reader.next()).value;
      return chunk instanceof Uint8Array ? [...chunk] : [];
    };
    const write = (bytes: number[]) => bytes.forEach((byte) => socket.write(new Uint8Array([byte])));
    proxy.asked.push((await read()).join(" "));
    write([5, options.login === undefined ? 0 : 2]);
    if (options.login !== undefined) {
      const login = String.fromCharCode(...(await read()));
      proxy.asked.push(login);
      write([1, login.includes(options.login) ? 0 : 1]);
    }
    const target = await read();
    if (target.length === 0) return;
    proxy.asked.push(
      `${String.fromCharCode(...target.slice(5, -2))}:${(target.at(-2) ?? 0) * 256 + (target.at(-1) ?? 0)}`,
    );
    write([5, options.refuse ?? 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    if (options.refuse === undefined) socket.write("hello");
  };
  // The client may leave at any moment.
  return (socket, proxy) => void speak(socket, proxy).catch(() => {});
}

async function readGreeting(settings: Partial<ProxySettings>): Promise<string> {
  const proxies = { ...noProxies, ...settings };
  const stream = await openStream(new URL("ws://studio.test:9000/ws"), { proxies, signal: never });
  const greeting = await new Promise<string>((resolve) => stream.once("data", (data) => resolve(data.toString())));
  const closed = new Promise((resolve) => stream.once("close", resolve));
  stream.destroy();
  await closed;
  return greeting;
}

Deno.test("openStream() sends CONNECT to an HTTP proxy and keeps what follows right behind the answer", async () => {
  await using proxy = await Proxy.listen(connectProxy("200 Connection established"));
  assert.equal(await readGreeting({ http: `http://us%40er:p%25w@${proxy.address}` }), "hello");
  const login = btoa("us@er:p%w");
  assert.deepEqual(proxy.asked, [
    `CONNECT studio.test:9000 HTTP/1.1\r\nHost: studio.test:9000\r\nProxy-Authorization: Basic ${login}\r\n\r\n`,
  ]);
});

Deno.test("openStream() reports the answer of an HTTP proxy that refuses", async () => {
  await using proxy = await Proxy.listen(connectProxy("407 Proxy Authentication Required"));
  await assert.rejects(readGreeting({ http: proxy.address }), {
    code: "connect_failed",
    message: "The proxy refused CONNECT to studio.test:9000: HTTP/1.1 407 Proxy Authentication Required",
  });
});

Deno.test("openStream() goes through a SOCKS5 proxy, which resolves the name", async () => {
  await using proxy = await Proxy.listen(socksProxy({}));
  assert.equal(await readGreeting({ http: `socks5://${proxy.address}` }), "hello");
  assert.deepEqual(proxy.asked, ["5 1 0", "studio.test:9000"]);
});

Deno.test("openStream() logs in at a SOCKS5 proxy", async () => {
  await using proxy = await Proxy.listen(socksProxy({ login: "\x04user\x02pw" }));
  assert.equal(await readGreeting({ http: `socks5h://user:pw@${proxy.address}` }), "hello");
  assert.deepEqual(proxy.asked, ["5 2 0 2", "\x01\x04user\x02pw", "studio.test:9000"]);
});

const socksFaults: { name: string; options: { login?: string; refuse?: number }; user: string; message: RegExp }[] = [
  { name: "a refused target", options: { refuse: 5 }, user: "", message: /refused studio.test:9000: code 5/ },
  { name: "a refused login", options: { login: "other" }, user: "user:pw@", message: /refused the login/ },
  { name: "a login that we do not have", options: { login: "x" }, user: "", message: /requires a login/ },
];

for (const { name, options, user, message } of socksFaults) {
  Deno.test(`openStream() reports ${name} of a SOCKS5 proxy`, async () => {
    await using proxy = await Proxy.listen(socksProxy(options));
    await assert.rejects(readGreeting({ http: `socks5://${user}${proxy.address}` }), {
      code: "connect_failed",
      message,
    });
  });
}

Deno.test("openStream() ends when the proxy closes, and when its signal is aborted while the proxy is silent", async () => {
  await using closing = await Proxy.listen((socket) => socket.destroy());
  await assert.rejects(readGreeting({ http: closing.address }), { code: "connect_failed" });
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const { promise: gone, resolve: leave } = Promise.withResolvers<void>();
  await using silent = await Proxy.listen((socket) => {
    socket.once("data", () => resolve());
    socket.once("close", () => leave());
  });
  const controller = new AbortController();
  const proxies = { ...noProxies, http: silent.address };
  const dial = openStream(new URL("ws://studio.test/ws"), { proxies, signal: controller.signal });
  await reached;
  controller.abort();
  await assert.rejects(dial, { code: "canceled" });
  await gone;
});
