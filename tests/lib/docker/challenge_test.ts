import assert from "node:assert/strict";
import { type Challenge, readChallenge } from "../../../lib/docker/challenge.ts";

const bearer = (realm: string, service?: string): Challenge => ({ kind: "bearer", realm, service });

const headers: [header: string, challenge: Challenge | undefined][] = [
  ['Basic realm="x"', { kind: "basic" }],
  ["basic", { kind: "basic" }],
  ['Bearer realm="https://a/t",service="s",scope="repository:x:push"', bearer("https://a/t", "s")],
  ['BEARER Realm="https://a/t" , Service=s', bearer("https://a/t", "s")],
  ['Negotiate, Bearer realm="https://a/t"', bearer("https://a/t")],
  ['Digest qop="auth, Bearer realm=", Bearer realm="https://a/t"', bearer("https://a/t")],
  [String.raw`Bearer realm="https://a/\"t"`, bearer('https://a/"t')],
  ['Bearer realm="https://a/t", realm="https://evil/t"', bearer("https://a/t")],
  ['Bearer service="a, realm=https://evil/", realm="https://a/t"', bearer("https://a/t", "a, realm=https://evil/")],
  ["", undefined],
  ["Bearer", undefined],
  ["Negotiate", undefined],
  ['realm="https://a/t"', undefined],
  ['Bearer realm="https://a/t', undefined],
  ['Bearer realm="https://a/\u00e4"', undefined],
  ['Bearer realm="https://a/t",service="\u0007"', undefined],
  [`Bearer realm="https://a/${"x".repeat(2_048)}"`, undefined],
  [`Bearer realm="https://a/t",service="${"x".repeat(257)}"`, undefined],
  [`${" ,".repeat(3_000)}Basic`, undefined],
];

Deno.test("#11: readChallenge() reads what registries send, and nothing that is hostile", () => {
  for (const [header, challenge] of headers) assert.deepEqual(readChallenge(header), challenge, header.slice(0, 80));
});

Deno.test("#11: readChallenge() is quick for any header", () => {
  const startedAt = performance.now();
  for (const part of [",", "a=", 'a="', "a ", '\\"', 'a="\\', "Bearer ", 'realm="x",', "=", "a=b "]) {
    readChallenge(part.repeat(10_000));
    readChallenge(part.repeat(Math.floor(4_096 / part.length)));
  }
  assert.ok(performance.now() - startedAt < 500);
});
