import assert from "node:assert/strict";
import { hostNameOf, isPublicName, isSameSite, isThisMachine } from "../../../lib/http/site.ts";

const sites: [isSame: boolean, host: string, other: string][] = [
  [true, "registry.example.com", "registry.example.com"],
  [true, "registry.gitlab.com", "gitlab.com"],
  [true, "docker.elastic.co", "docker-auth.elastic.co"],
  [true, "registry-1.docker.io", "auth.docker.io"],
  [true, "a.b.example.co.uk", "auth.example.co.uk"],
  [true, "me.azurecr.io", "me.azurecr.io"],
  [true, "appstore-registry", "appstore-registry"],
  [true, "192.168.1.5", "192.168.1.5"],
  [false, "registry.example.com", "example.com.evil.org"],
  [false, "registry.example.com", "notexample.com"],
  [false, "registry.example.com", "com"],
  [false, "example.co.uk", "evil.co.uk"],
  [false, "example.com.au", "evil.com.au"],
  [false, "me.azurecr.io", "evil.azurecr.io"],
  [false, "me.azurecr.io", "x.me.azurecr.io"],
  [false, "1.dkr.ecr.eu-west-1.amazonaws.com", "2.dkr.ecr.eu-west-1.amazonaws.com"],
  [false, "192.168.1.5", "10.0.1.5"],
  [false, "192.168.1.5", "168.1.5"],
  [false, "fd00::1", "fd00::2"],
  [false, "appstore-registry", "other"],
  [false, "registry.local", "evil.local"],
  [false, "", ""],
];

Deno.test("isSameSite() is true for hosts of one registered domain only", () => {
  for (const [isSame, host, other] of sites) {
    assert.equal(isSameSite(host, other), isSame, `${host} ${other}`);
    assert.equal(isSameSite(other, host), isSame, `${other} ${host}`);
  }
});

Deno.test("isThisMachine() and isPublicName() know every spelling of an address", () => {
  const loopback = ["http://localhost", "http://LOCALHOST.", "http://127.0.0.1", "http://127.1", "http://0x7f.1"];
  const others = [
    "http://0.0.0.0",
    "http://10.0.0.1",
    "http://169.254.169.254",
    "http://2852039166",
    "http://[fd00::1]",
  ];
  const mapped = [
    "http://[::ffff:127.0.0.1]",
    "http://[::]",
    "http://router",
    "http://nas.local",
    "http://x.internal.",
  ];
  for (const url of [...loopback, "http://2130706433", "http://[::1]"]) {
    assert.ok(isThisMachine(hostNameOf(new URL(url))), url);
    assert.ok(!isPublicName(hostNameOf(new URL(url))), url);
  }
  for (const url of [...others, ...mapped, "http://foo.localhost"]) {
    assert.ok(!isThisMachine(hostNameOf(new URL(url))), url);
    assert.ok(!isPublicName(hostNameOf(new URL(url))), url);
  }
  for (const url of ["http://localhost.example.com", "https://cdn.example.com"]) {
    assert.ok(!isThisMachine(hostNameOf(new URL(url))), url);
    assert.ok(isPublicName(hostNameOf(new URL(url))), url);
  }
});
