import assert from "node:assert/strict";
import { authFor, registryAuthHeader, registryHostOf, splitReference } from "../../../lib/docker/registry.ts";

const references = [
  { reference: "shop", repository: "shop", tag: "latest", host: "docker.io" },
  { reference: "shop:1.2", repository: "shop", tag: "1.2", host: "docker.io" },
  { reference: "library/shop", repository: "library/shop", tag: "latest", host: "docker.io" },
  { reference: "localhost/shop:1", repository: "localhost/shop", tag: "1", host: "localhost" },
  { reference: "r.example.com/apps/shop", repository: "r.example.com/apps/shop", tag: "latest", host: "r.example.com" },
  { reference: "127.0.0.1:5002/shop", repository: "127.0.0.1:5002/shop", tag: "latest", host: "127.0.0.1:5002" },
  { reference: "r:5000/a/b:v1", repository: "r:5000/a/b", tag: "v1", host: "r:5000" },
  { reference: "r:5000/a@sha256:ab", repository: "r:5000/a", tag: "sha256:ab", host: "r:5000" },
];

for (const { reference, host, ...parts } of references) {
  Deno.test(`the reference ${reference} is split, and its registry found`, () => {
    assert.deepEqual(splitReference(reference), parts);
    assert.equal(registryHostOf(reference), host);
  });
}

Deno.test("authFor() finds the login of exactly this registry, even when written with a slash", () => {
  const logins = {
    "r.example.com/": { username: "a", password: "1" },
    "docker.io": { username: "b", password: "2" },
  };
  assert.deepEqual(authFor("r.example.com/x:1", logins), { host: "r.example.com", user: "a", password: "1" });
  assert.deepEqual(authFor("shop", logins), { host: "docker.io", user: "b", password: "2" });
  assert.equal(authFor("other.example.com/x", logins), undefined);
  assert.equal(authFor("r.example.com.evil/x", logins), undefined);
});

Deno.test("registryAuthHeader() is URL-safe base64 of the engine's JSON, for any characters", () => {
  const header = registryAuthHeader({ host: "r/", user: "ü>>>", password: "???ÿ" });
  assert.match(header, /^[A-Za-z0-9_=-]+$/);
  const json = new TextDecoder().decode(Uint8Array.fromBase64(header, { alphabet: "base64url" }));
  assert.deepEqual(JSON.parse(json), { username: "ü>>>", password: "???ÿ", serveraddress: "r" });
});
