import assert from "node:assert/strict";
import { guardedFetch, readLimitedText, redirectLimit } from "../../../lib/http/guarded_fetch.ts";

const { signal } = new AbortController();

/** A server that redirects as the test sets, and records what it is sent. */
class RedirectingServer implements AsyncDisposable {
  readonly requests: { path: string; authorization: string | null }[] = [];
  readonly locations = new Map<string, string>();
  readonly #server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    this.requests.push({ path: pathname, authorization: request.headers.get("authorization") });
    const location = this.locations.get(pathname);
    return location === undefined ? new Response("end") : new Response("", { status: 307, headers: { location } });
  });

  get origin(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async fetch(path: string): Promise<string> {
    const start = new URL(path, this.origin);
    // A kept connection would outlive the test.
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const { response, url } = await guardedFetch(start, { signal, client, authorization: "Basic c2VjcmV0" });
    return await readLimitedText(response, { url, limitBytes: 10 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

Deno.test("#11: a redirect within the origin keeps the login, one to another origin loses it for good", async () => {
  await using server = new RedirectingServer();
  await using other = new RedirectingServer();
  server.locations.set("/a", "/b").set("/b", `${other.origin}/c`);
  other.locations.set("/c", "/d");
  assert.equal(await server.fetch("/a"), "end");
  assert.deepEqual(server.requests.map(({ authorization }) => authorization), ["Basic c2VjcmV0", "Basic c2VjcmV0"]);
  assert.deepEqual(other.requests, [{ path: "/c", authorization: null }, { path: "/d", authorization: null }]);
});

const refused: [location: string, message: RegExp][] = [
  ["http://registry.example.com/", /"registry\.example\.com" without encryption/],
  ["http://10.0.0.1/", /without encryption/],
  ["https://10.0.0.1/admin", /"10\.0\.0\.1", which is in a private network/],
  ["https://169.254.169.254/latest/meta-data/", /in a private network/],
  ["https://[fd00::1]/", /in a private network/],
  ["https://[::ffff:10.0.0.1]/", /in a private network/],
  ["https://router/", /in a private network/],
  ["https://nas.local./", /in a private network/],
  ["file:///etc/shadow", /without encryption/],
  ["data:application/json,{}", /without encryption/],
  ["ftp://127.0.0.1/", /without encryption/],
  ["http://user:password@127.0.0.1:9/", /its URL holds a login/],
  ["http://", /no URL/],
  ["", /no URL/],
  [`/${"x".repeat(5_000)}`, /no URL/],
];

Deno.test("#11: redirects lead to https, and not into a private network", async () => {
  await using server = new RedirectingServer();
  for (const [location, message] of refused) {
    server.locations.set("/a", location);
    await assert.rejects(server.fetch("/a"), { code: "denied", message }, location);
  }
  assert.equal(server.requests.length, refused.length);
});

Deno.test("#11: redirects are followed five times", async () => {
  await using server = new RedirectingServer();
  for (let index = 0; index < 10; index += 1) server.locations.set(`/${index}`, `/${index + 1}`);
  assert.equal(await server.fetch(`/${10 - redirectLimit}`), "end");
  server.requests.length = 0;
  await assert.rejects(server.fetch("/0"), { code: "denied", message: /redirected more than 5 times/ });
  assert.equal(server.requests.length, redirectLimit + 1);
});

Deno.test("readLimitedText() refuses what is too long", async () => {
  const url = new URL("https://h.example.com/");
  assert.equal(await readLimitedText(new Response("äöü"), { url, limitBytes: 6 }), "äöü");
  await assert.rejects(readLimitedText(new Response("äöü!"), { url, limitBytes: 6 }), { code: "protocol_error" });
  assert.equal(await readLimitedText(new Response(null), { url, limitBytes: 6 }), "");
});
