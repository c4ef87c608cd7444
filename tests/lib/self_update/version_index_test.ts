import assert from "node:assert/strict";
import { indexUrl, VersionIndex, type VersionIndexDeps } from "../../../lib/self_update/version_index.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const good = JSON.stringify({ production: "0.21.1", test: " 0.22.0-rc.1 ", local: "", all: "0.20.20" });

/** A download server for tests. */
class Downloads implements AsyncDisposable {
  readonly paths: string[] = [];
  answer: () => Response | Promise<Response> = () => new Response(good);
  readonly #server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    this.paths.push(new URL(request.url).pathname);
    return this.answer();
  });

  get base(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

const never = new AbortController().signal;

/** The index for a device that runs 0.20.20, without keys. */
function indexOf(change: Pick<VersionIndexDeps, "base" | "channel" | "clock">): { latest(): Promise<string> } {
  const newestSeen = { read: () => Promise.resolve(0), remember: () => Promise.resolve() };
  const index = new VersionIndex({ serialNumber: "SN-1", current: "0.20.20", keys: () => [], newestSeen, ...change });
  return { latest: () => index.latest(never) };
}

Deno.test("indexUrl() joins without adding a slash", () => {
  assert.equal(
    indexUrl("https://downloads.example.com"),
    "https://downloads.example.com/re-agent/availableVersions.json",
  );
});

Deno.test("latest() fetches once a minute, and once for concurrent calls", async () => {
  await using downloads = new Downloads();
  const clock = new FakeClock();
  const index = indexOf({ base: () => downloads.base, channel: () => "production", clock });
  assert.deepEqual(await Promise.all([index.latest(), index.latest()]), ["0.21.1", "0.21.1"]);
  await clock.advance(59_999);
  downloads.answer = () => new Response('{"production": "0.21.2"}');
  assert.equal(await index.latest(), "0.21.1");
  await clock.advance(1);
  assert.equal(await index.latest(), "0.21.2");
  assert.deepEqual(downloads.paths, ["/re-agent/availableVersions.json", "/re-agent/availableVersions.json"]);
});

Deno.test("latest() fetches again when the channel has changed, and after a failure", async () => {
  await using downloads = new Downloads();
  let channel = "production";
  const index = indexOf({ base: () => downloads.base, channel: () => channel, clock: new FakeClock() });
  assert.equal(await index.latest(), "0.21.1");
  channel = "test";
  downloads.answer = () => new Response("gone", { status: 404 });
  await assert.rejects(index.latest(), { code: "connect_failed", message: /status 404/ });
  downloads.answer = () => new Response(good);
  assert.equal(await index.latest(), "0.22.0-rc.1");
});

Deno.test("latest() reports what is wrong with an answer", async () => {
  await using downloads = new Downloads();
  const index = indexOf({ base: () => downloads.base, channel: () => "all", clock: new FakeClock() });
  const cases: [() => Response, string, RegExp][] = [
    [() => new Response(good, { status: 500 }), "connect_failed", /status 500/],
    [() => new Response(null, { status: 204 }), "connect_failed", /status 204/],
    [() => new Response("<html>"), "protocol_error", /must be a JSON object/],
    [() => new Response("x".repeat(70_000)), "protocol_error", /more than 65536 bytes/],
  ];
  for (const [answer, code, message] of cases) {
    downloads.answer = answer;
    await assert.rejects(index.latest(), { code, message });
  }
});

Deno.test("latest() without a server fails with the URL", async () => {
  const index = indexOf({ base: () => "http://127.0.0.1:1", channel: () => "all", clock: new FakeClock() });
  await assert.rejects(index.latest(), { code: "connect_failed", message: /Cannot fetch http:\/\/127\.0\.0\.1:1\// });
});
