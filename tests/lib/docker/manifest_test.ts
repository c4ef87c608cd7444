import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { downloadBytes, readRemoteLayers } from "../../../lib/docker/manifest.ts";
import { RegistryBusyError } from "../../../lib/docker/retry_after.ts";

const never = new AbortController().signal;
const login = { user: "ü", password: "p:w" };
const basic = `Basic ${new TextEncoder().encode("ü:p:w").toBase64()}`;
const machine = { os: "linux", architecture: "amd64" };

/** A digest that is easy to tell from others. */
function digest(letter: string): string {
  return `sha256:${letter.repeat(64)}`;
}

const manifest = { config: { digest: digest("c") }, layers: [{ size: 5 }, { size: 7 }] };
const config = { rootfs: { diff_ids: [digest("a"), digest("b")] } };
const layers = [{ sizeBytes: 5, diffId: digest("a") }, { sizeBytes: 7, diffId: digest("b") }];

/** A registry of the test's own, with answers that the test sets. */
class SmallRegistry implements AsyncDisposable {
  readonly requests: { path: string; authorization: string | null; accept: string | null }[] = [];
  /** Why there was no answer. */
  readonly failures: string[] = [];
  readonly answers = new Map<string, (request: Request) => Response | Promise<Response>>();
  readonly #server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const { headers } = request;
    this.requests.push({ path: pathname, authorization: headers.get("authorization"), accept: headers.get("accept") });
    const answer = this.answers.get(pathname);
    return await answer?.(request) ?? new Response("{}", { status: 404 });
  });

  constructor() {
    this.serve("manifests/1", manifest);
    this.serve(`blobs/${digest("c")}`, config);
  }

  get port(): number {
    return this.#server.addr.port;
  }

  serve(part: string, body: unknown): void {
    this.answers.set(`/v2/apps/shop/${part}`, () => Response.json(body));
  }

  answer(part: string, response: (request: Request) => Response | Promise<Response>): void {
    this.answers.set(`/v2/apps/shop/${part}`, response);
  }

  async ask(given: Partial<Parameters<typeof readRemoteLayers>[0]> = {}): ReturnType<typeof readRemoteLayers> {
    const host = `127.0.0.1:${this.port}`;
    const usual = { reference: `${host}/apps/shop:1`, auth: { host, ...login }, platform: machine, withDiffIds: true };
    const log = { ...silentLog, info: (_: string, fields?: object) => void this.failures.push(JSON.stringify(fields)) };
    return await readRemoteLayers({ ...usual, signal: never, log, ...given });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** Answers requests with this authorization; others get the challenge. */
function guard(authorization: string, challenge: string, body: unknown): (request: Request) => Response {
  return (request) => {
    if (request.headers.get("authorization") === authorization) return Response.json(body);
    return new Response("{}", { status: 401, headers: { "www-authenticate": challenge } });
  };
}

Deno.test("an open registry returns the layers, and no password is sent to it", async () => {
  await using registry = new SmallRegistry();
  assert.deepEqual(await registry.ask(), layers);
  assert.deepEqual(registry.requests.map(({ authorization }) => authorization), [null, null]);
  assert.match(
    registry.requests[0]?.accept ?? "",
    /docker\.distribution\.manifest\.v2.*oci\.image\.manifest.*list.*index/,
  );
});

Deno.test("a registry with basic authentication gets the login", async () => {
  await using registry = new SmallRegistry();
  registry.answer("manifests/1", guard(basic, 'Basic realm="x"', manifest));
  assert.deepEqual(await registry.ask(), layers);
});

Deno.test("a registry with tokens gets one that was requested with the login; realm and service are those of the challenge", async () => {
  await using registry = new SmallRegistry();
  const challenge =
    `Bearer realm="http://127.0.0.1:${registry.port}/token?a=1",service="my registry",scope="repository:other:push"`;
  let query = "";
  registry.answers.set("/token", (request) => {
    query = new URL(request.url).search;
    return guard(basic, "Basic", { access_token: "t1" })(request);
  });
  registry.answer("manifests/1", guard("Bearer t1", challenge, manifest));
  registry.answer(`blobs/${digest("c")}`, guard("Bearer t1", challenge, config));
  assert.deepEqual(await registry.ask(), layers);
  assert.equal(query, "?a=1&service=my+registry&scope=repository%3Aapps%2Fshop%3Apull");
  assert.equal(await registry.ask({ auth: undefined }), undefined);
});

Deno.test("no password is sent unencrypted to a token server on another machine", async () => {
  await using registry = new SmallRegistry();
  const challenge = `Bearer realm="http://0.0.0.0:${registry.port}/token",service="s"`;
  registry.answers.set("/token", () => Response.json({ token: "t1" }));
  registry.answer("manifests/1", guard("Bearer t1", challenge, manifest));
  await assert.rejects(registry.ask(), { code: "untrusted_server" });
  assert.deepEqual(registry.requests.map(({ path }) => path), ["/v2/apps/shop/manifests/1"]);
});

Deno.test("the entry for this machine is used from a list of platforms", async () => {
  await using registry = new SmallRegistry();
  const entry = (name: string, os: string, architecture: string) => ({ digest: name, platform: { os, architecture } });
  registry.serve("manifests/1", {
    manifests: [
      entry(digest("2"), "windows", "amd64"),
      entry(digest("1"), "unknown", "unknown"),
      entry(digest("3"), "linux", "amd64"),
      entry(digest("4"), "linux", "arm"),
    ],
  });
  registry.serve(`manifests/${digest("3")}`, manifest);
  assert.deepEqual(await registry.ask(), layers);
  assert.equal(await registry.ask({ platform: { os: "linux", architecture: "arm64" } }), undefined);
});

Deno.test("the sizes are known even without the image's config", async () => {
  await using registry = new SmallRegistry();
  const plain = layers.map(({ sizeBytes }) => ({ sizeBytes, diffId: undefined }));
  registry.answer(`blobs/${digest("c")}`, () => new Response("gone", { status: 404 }));
  assert.deepEqual(await registry.ask(), plain);
  registry.serve(`blobs/${digest("c")}`, { rootfs: { diff_ids: [digest("a")] } });
  assert.deepEqual(await registry.ask(), plain);
});

Deno.test("the image's config is not read when the digests of layers are not asked for", async () => {
  await using registry = new SmallRegistry();
  const plain = layers.map(({ sizeBytes }) => ({ sizeBytes, diffId: undefined }));
  assert.deepEqual(await registry.ask({ withDiffIds: false }), plain);
  assert.deepEqual(registry.requests.map(({ path }) => path), ["/v2/apps/shop/manifests/1"]);
});

Deno.test("anything but a manifest results in undefined", async () => {
  const bodies = [
    "",
    "<html>",
    "[]",
    "null",
    "{}",
    '{"layers": "x"}',
    '{"layers": []}',
    '{"layers": [{"size": -1}]}',
    '{"layers": [{"size": "5"}]}',
    '{"layers": [null]}',
    '{"manifests": [null, 5, {}]}',
    JSON.stringify(manifest) + " ".repeat(5_000_000),
  ];
  await using registry = new SmallRegistry();
  for (const body of bodies) {
    registry.answer("manifests/1", () => new Response(body));
    assert.equal(await registry.ask(), undefined, body.slice(0, 40));
  }
  for (const challenge of ["", "Bearer", "Negotiate"]) {
    registry.answer("manifests/1", guard("never", challenge, manifest));
    assert.equal(await registry.ask(), undefined, challenge);
  }
});

Deno.test("a registry that is silent or unreachable results in undefined; an abort is canceled", async () => {
  await using registry = new SmallRegistry();
  const release = Promise.withResolvers<void>();
  registry.answer("manifests/1", async () => {
    await release.promise;
    return new Response("late");
  });
  assert.equal(await registry.ask({ limitMs: 50 }), undefined);
  const controller = new AbortController();
  const asking = registry.ask({ signal: controller.signal });
  controller.abort();
  await assert.rejects(asking, { code: "canceled" });
  release.resolve();
  assert.equal(await registry.ask({ reference: "127.0.0.1:1/apps/shop:1" }), undefined);
  assert.equal(await registry.ask({ reference: "busybox:1" }), undefined);
});

Deno.test("downloadBytes() leaves out what an image of the engine has in common from the first layer on", () => {
  const cases: [string, string[][], number][] = [
    ["no image", [], 12],
    ["the first layer", [[digest("a")]], 7],
    ["all layers", [[digest("a"), digest("b"), digest("d")]], 0],
    ["only the second layer", [[digest("b")], [digest("d"), digest("b")]], 12],
    ["the best of several images", [[], [digest("d")], [digest("a"), digest("e")]], 7],
  ];
  for (const [name, images, expected] of cases) assert.equal(downloadBytes(layers, images), expected, name);
  const unknown = layers.map(({ sizeBytes }) => ({ sizeBytes, diffId: undefined }));
  assert.equal(downloadBytes(unknown, [[digest("a"), digest("b")], []]), 12);
});

Deno.test("#11: a registry on loopback cannot send the login to another machine: neither we nor the engine ask there", async () => {
  await using registry = new SmallRegistry();
  const realms = [
    ...[
      "http://0.0.0.0:1/token",
      "https://evil.example.org/token",
      "http://10.0.0.1/token",
      "file:///etc",
      "not a url",
    ],
  ];
  const message = /^(?:Not asking token server|Registry "127.*names a token server)/;
  for (const realm of realms) {
    registry.answer("manifests/1", guard("Bearer t1", `Bearer realm="${realm}",service="s"`, manifest));
    // With a login the pull has to stop; without one the engine has nothing to send.
    await assert.rejects(registry.ask(), { code: "untrusted_server", message }, realm);
    assert.equal(await registry.ask({ auth: undefined }), undefined, realm);
  }
  assert.deepEqual(new Set(registry.requests.map(({ path }) => path)), new Set(["/v2/apps/shop/manifests/1"]));
  assert.ok(registry.requests.every(({ authorization }) => authorization === null));
});

Deno.test("#11: a login is sent only to the registry that it is for", async () => {
  await using registry = new SmallRegistry();
  registry.answer("manifests/1", guard(basic, "Basic", manifest));
  for (const host of ["", "registry.example.com", "127.0.0.1", `127.0.0.1:${registry.port}.example.com`]) {
    assert.equal(await registry.ask({ auth: { host, ...login } }), undefined, host);
  }
  assert.ok(registry.requests.every(({ authorization }) => authorization === null));
});

Deno.test("#11: neither login nor token follows a redirect to another origin, and a foreign host cannot ask for them", async () => {
  await using registry = new SmallRegistry();
  await using storage = new SmallRegistry();
  const moved = (part: string) => Response.redirect(`http://127.0.0.1:${storage.port}/v2/apps/shop/${part}`, 307);
  registry.answer("manifests/1", (request) => {
    return request.headers.has("authorization") ? moved("manifests/1") : guard("", "Basic", {})(request);
  });
  registry.answer(`blobs/${digest("c")}`, () => moved(`blobs/${digest("c")}`));
  assert.deepEqual(await registry.ask(), layers);
  const challenge = `Bearer realm="http://127.0.0.1:${storage.port}/token"`;
  storage.answer("manifests/1", guard("never", challenge, manifest));
  assert.equal(await registry.ask(), undefined);
  assert.deepEqual(storage.requests.map(({ authorization }) => authorization), [null, null, null]);
  registry.answer("manifests/1", guard("never", `Bearer realm="http://127.0.0.1:${registry.port}/token"`, manifest));
  registry.answers.set("/token", () => moved("token"));
  assert.equal(await registry.ask(), undefined);
  assert.equal(storage.requests.length, 3);
});

Deno.test("#11: a digest is sha256: and 64 lower-case hexadecimal digits, and a size is a number that can be", async () => {
  await using registry = new SmallRegistry();
  const digests = [
    "sha256:c",
    "sha512:" + "c".repeat(64),
    digest("C"),
    `${digest("c")}0`,
    "../../../v1/secret",
    "?x=1",
  ];
  const plain = layers.map(({ sizeBytes }) => ({ sizeBytes, diffId: undefined }));
  for (const wrong of [...digests, "http://10.0.0.1/", `${digest("c")}\n`, ""]) {
    registry.serve("manifests/1", { ...manifest, config: { digest: wrong } });
    assert.deepEqual(await registry.ask(), plain, wrong);
    registry.serve("manifests/1", { manifests: [{ digest: wrong, platform: machine }] });
    assert.equal(await registry.ask(), undefined, wrong);
  }
  for (const size of [-1, 1.5, 1e300, 2 ** 41, "5", null, [5]]) {
    registry.serve("manifests/1", { layers: [{ size: 5 }, { size }] });
    assert.equal(await registry.ask(), undefined, `${size}`);
  }
  registry.serve("manifests/1", { layers: new Array(1_001).fill({ size: 1 }) });
  assert.equal(await registry.ask(), undefined);
  assert.deepEqual(new Set(registry.requests.map(({ path }) => path)), new Set(["/v2/apps/shop/manifests/1"]));
  registry.serve("manifests/1", manifest);
  registry.serve(`blobs/${digest("c")}`, { rootfs: { diff_ids: [digest("a"), "sha256:b"] } });
  assert.deepEqual(await registry.ask(), plain);
});

Deno.test("#11: a reference cannot lead to another path or host", async () => {
  await using registry = new SmallRegistry();
  const host = `127.0.0.1:${registry.port}`;
  const paths = ["apps/../../x:1", "apps//shop:1", "apps/shop:1/../2", "apps/shop:..", "apps/shop:1?x", ":1"];
  const hosts = ["u:p@", "[::1]@", "a.b?", "a.b#", "a.b\\"].map((text) => `${text}${host}/apps/shop:1`);
  for (const reference of [...paths.map((path) => `${host}/${path}`), ...hosts]) {
    assert.equal(await registry.ask({ reference }), undefined, reference);
  }
  assert.deepEqual(registry.requests, []);
  await registry.ask({ reference: `${host}/a b?c#d%2e/shop:1` });
  assert.deepEqual(registry.requests.map(({ path }) => path), ["/v2/a%20b%3Fc%23d%252e/shop/manifests/1"]);
});

Deno.test("#11: a token that is none is not sent", async () => {
  await using registry = new SmallRegistry();
  registry.answer("manifests/1", guard("never", `Bearer realm="http://127.0.0.1:${registry.port}/token"`, manifest));
  for (const token of ["", "a b", "a\r\nx: y", "ä", 5, null, "x".repeat(20_000), "x".repeat(100_000)]) {
    registry.answers.set("/token", () => Response.json({ token }));
    assert.equal(await registry.ask(), undefined);
  }
  assert.ok(registry.requests.every(({ authorization }) => authorization?.startsWith("Bearer ") !== true));
});

/** A pause, as registries and token servers ask for it. */
function pause(seconds: number, status = 429): Response {
  return new Response("{}", { status, headers: { "retry-after": `${seconds}` } });
}

Deno.test("#14: a pause that the registry, its token server or its storage asks for is thrown, after one question", async () => {
  await using registry = new SmallRegistry();
  const challenge = `Bearer realm="http://127.0.0.1:${registry.port}/token",service="s"`;
  const cases: [name: string, set: () => void, questions: number, waitMs: number][] = [
    ["the config", () => registry.answer(`blobs/${digest("c")}`, () => pause(9)), 2, 9_000],
    ["the manifest", () => registry.answer("manifests/1", () => pause(20)), 1, 20_000],
    ["a registry in trouble", () => registry.answer("manifests/1", () => pause(30, 503)), 1, 30_000],
    [
      "the token server",
      () => {
        registry.answer("manifests/1", guard("Bearer t", challenge, manifest));
        registry.answers.set("/token", () => pause(40));
      },
      2,
      40_000,
    ],
  ];
  for (const [name, set, questions, waitMs] of cases) {
    set();
    registry.requests.length = 0;
    await assert.rejects(
      registry.ask(),
      (error) => error instanceof RegistryBusyError && error.waitMs === waitMs,
      name,
    );
    assert.equal(registry.requests.length, questions, name);
  }
  registry.answer("manifests/1", () => new Response("{}", { status: 503 }));
  assert.equal(await registry.ask(), undefined, "trouble without a time to come back");
});
