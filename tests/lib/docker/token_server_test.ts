import assert from "node:assert/strict";
import { tokenServerOf } from "../../../lib/docker/token_server.ts";

const allowed: [registry: string, realm: string][] = [
  ["https://ghcr.io/", "https://ghcr.io/token"],
  ["https://registry.gitlab.com/", "https://gitlab.com/jwt/auth"],
  ["https://gitlab.example.com:5050/", "https://gitlab.example.com/jwt/auth"],
  ["https://registry-1.docker.io/", "https://auth.docker.io/token"],
  ["https://registry.digitalocean.com/", "https://api.digitalocean.com/v2/registry/auth"],
  ["https://rg.fr-par.scw.cloud/", "https://api.scaleway.com/registry-internal/v1/regions/fr-par/tokens"],
  ["https://192.168.1.5:5000/", "https://192.168.1.5:5001/token"],
  ["https://appstore-registry:5000/", "https://appstore-registry/token"],
  ["http://localhost:5000/", "http://127.0.0.1:5001/token"],
  ["http://127.0.0.1:5000/", "https://127.0.0.1:5001/token"],
];

const refused: [registry: string, realm: string, message: RegExp][] = [
  ["https://registry.example.com/", "https://evil.org/token", /does not belong to registry "registry\.example\.com"/],
  ["https://registry.example.com/", "http://registry.example.com/token", /does not use encryption/],
  ["https://registry.example.com/", "http://127.0.0.1:8080/token", /does not use encryption/],
  ["https://registry.example.com/", "https://127.0.0.1:8080/token", /does not belong/],
  ["https://registry.example.com/", "https://localhost/token", /does not belong/],
  ["https://registry.example.com/", "https://169.254.169.254/token", /does not belong/],
  ["https://registry.example.com/", "https://registry.example.com.evil.org/", /does not belong/],
  ["https://registry.example.com/", "https://registry.example.com@evil.org/", /holds a login/],
  ["https://registry.example.com/", "https://evil.org\\@registry.example.com/", /does not belong/],
  ["https://registry.example.com/", "https://me:x@registry.example.com/", /holds a login/],
  ["https://registry.example.com/", "file:///etc/passwd", /no web address/],
  ["https://registry.example.com/", "ftp://registry.example.com/", /no web address/],
  ["https://registry.example.com/", "javascript:alert(1)", /no web address/],
  ["https://registry.example.com/", "/token", /no web address/],
  ["https://registry.example.com/", "", /no web address/],
  ["https://me.azurecr.io/", "https://evil.azurecr.io/", /does not belong/],
  ["https://192.168.1.5:5000/", "http://192.168.1.5:5001/token", /does not use encryption/],
  ["https://192.168.1.5:5000/", "https://192.168.1.6/token", /does not belong/],
  ["https://scw.cloud.evil.org/", "https://api.scaleway.com/", /does not belong/],
  ["http://localhost:5000/", "http://10.0.0.1/token", /does not use encryption/],
  ["http://localhost:5000/", "https://evil.org/token", /does not belong/],
  ["http://localhost:5000/", "http://localhost.evil.org/token", /does not use encryption/],
];

Deno.test("#11: tokenServerOf() accepts the token servers of real registries", () => {
  for (const [registry, realm] of allowed) {
    assert.equal(tokenServerOf(new URL(registry), realm).href, new URL(realm).href);
  }
});

Deno.test("#11: tokenServerOf() refuses every realm that is not the registry's own", () => {
  for (const [registry, realm, message] of refused) {
    assert.throws(() => tokenServerOf(new URL(registry), realm), { code: "untrusted_server", message }, realm);
  }
});
