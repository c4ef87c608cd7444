import assert from "node:assert/strict";
import { downloadBytes, readRemoteLayers } from "../../../lib/docker/manifest.ts";

const never = new AbortController().signal;
const auth = { host: "", user: "ü", password: "p:w" };
const basic = `Basic ${new TextEncoder().encode("ü:p:w").toBase64()}`;
const machine = { os: "linux", architecture: "amd64" };

const manifest = { config: { digest: "sha256:c" }, layers: [{ size: 5 }, { size: 7 }] };
const config = { rootfs: { diff_ids: ["sha256:a", "sha256:b"] } };
const layers = [{ sizeBytes: 5, diffId: "sha256:a" }, { sizeBytes: 7, diffId: "sha256:b" }];

/** A registry of the test's own, with answers that the test sets. */
class SmallRegistry implements AsyncDisposable {
  readonly requests: { path: string; authorization: string | null; accept: string | null }[] = [];
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
    this.serve("blobs/sha256:c", config);
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
    const reference = `127.0.0.1:${this.port}/apps/shop:1`;
    return await readRemoteLayers({ reference, auth, platform: machine, signal: never, withDiffIds: true, ...given });
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

Deno.test("a registry with tokens gets one that was requested with the login; realm, service and scope are those of the challenge", async () => {
  await using registry = new SmallRegistry();
  const challenge =
    `Bearer realm="http://127.0.0.1:${registry.port}/token?a=1",service="my registry",scope="repository:apps/shop:pull"`;
  let query = "";
  registry.answers.set("/token", (request) => {
    query = new URL(request.url).search;
    return guard(basic, "Basic", { access_token: "t1" })(request);
  });
  registry.answer("manifests/1", guard("Bearer t1", challenge, manifest));
  registry.answer("blobs/sha256:c", guard("Bearer t1", challenge, config));
  assert.deepEqual(await registry.ask(), layers);
  assert.equal(query, "?a=1&service=my+registry&scope=repository%3Aapps%2Fshop%3Apull");
  assert.equal(await registry.ask({ auth: undefined }), undefined);
});

Deno.test("no password is sent unencrypted to a token server on another machine", async () => {
  await using registry = new SmallRegistry();
  const challenge = `Bearer realm="http://0.0.0.0:${registry.port}/token",service="s"`;
  registry.answers.set("/token", () => Response.json({ token: "t1" }));
  registry.answer("manifests/1", guard("Bearer t1", challenge, manifest));
  assert.equal(await registry.ask(), undefined);
  assert.deepEqual(registry.requests.map(({ path }) => path), ["/v2/apps/shop/manifests/1"]);
});

Deno.test("the entry for this machine is used from a list of platforms", async () => {
  await using registry = new SmallRegistry();
  const entry = (digest: string, os: string, architecture: string) => ({ digest, platform: { os, architecture } });
  registry.serve("manifests/1", {
    manifests: [
      entry("sha256:w", "windows", "amd64"),
      entry("sha256:u", "unknown", "unknown"),
      entry("sha256:m", "linux", "amd64"),
      entry("sha256:v", "linux", "arm"),
    ],
  });
  registry.serve("manifests/sha256:m", manifest);
  assert.deepEqual(await registry.ask(), layers);
  assert.equal(await registry.ask({ platform: { os: "linux", architecture: "arm64" } }), undefined);
});

Deno.test("the sizes are known even without the image's config", async () => {
  await using registry = new SmallRegistry();
  const plain = layers.map(({ sizeBytes }) => ({ sizeBytes, diffId: undefined }));
  registry.answer("blobs/sha256:c", () => new Response("gone", { status: 404 }));
  assert.deepEqual(await registry.ask(), plain);
  registry.serve("blobs/sha256:c", { rootfs: { diff_ids: ["sha256:a"] } });
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
  for (const challenge of ["", "Bearer", 'Bearer realm="not a url"', "Negotiate"]) {
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
    ["the first layer", [["sha256:a"]], 7],
    ["all layers", [["sha256:a", "sha256:b", "sha256:x"]], 0],
    ["only the second layer", [["sha256:b"], ["sha256:x", "sha256:b"]], 12],
    ["the best of several images", [[], ["sha256:x"], ["sha256:a", "sha256:y"]], 7],
  ];
  for (const [name, images, expected] of cases) assert.equal(downloadBytes(layers, images), expected, name);
  const unknown = layers.map(({ sizeBytes }) => ({ sizeBytes, diffId: undefined }));
  assert.equal(downloadBytes(unknown, [["sha256:a", "sha256:b"], []]), 12);
});
