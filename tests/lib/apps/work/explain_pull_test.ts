import assert from "node:assert/strict";
import { explainPull, reasonKind } from "../../../../lib/apps/work/explain_pull.ts";
import { AgentError } from "../../../../lib/base/errors.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import { EngineError, engineTextOf } from "../../../../lib/docker/errors.ts";

const never = new AbortController().signal;
const host = "r.example.com";
const auth = { host, user: "u", password: "secret" };

const kinds: [text: string, kind: ReturnType<typeof reasonKind>][] = [
  ['Head "https://r/v2/x/manifests/1": unauthorized: authentication required', "login"],
  ["pull access denied for x, repository does not exist or may require 'docker login'", "login"],
  ["denied: requested access to the resource is denied", "login"],
  ['Get "https://r/v2/": dial tcp 10.0.0.1:443: i/o timeout', "network"],
  ['Get "https://r/v2/": net/http: request canceled (Client.Timeout exceeded while awaiting headers)', "network"],
  ["dial tcp: lookup r.example.com: no such host", "network"],
  ["dial tcp 127.0.0.1:5002: connect: connection refused", "network"],
  ["manifest unknown: manifest unknown", "other"],
  ["toomanyrequests: timeout of your limit", "other"],
];

for (const [text, kind] of kinds) {
  Deno.test(`#2: reasonKind() of ${text.slice(0, 60)} is ${kind}`, () => assert.equal(reasonKind(text), kind));
}

const explained: {
  name: string;
  text: string;
  auth?: typeof auth | undefined;
  login?: AgentError;
  hint: RegExp;
}[] = [
  { name: "a refused login", text: "denied", login: new AgentError("denied", "no"), hint: /refuses the credentials/ },
  { name: "an accepted login", text: "denied", hint: /accepts the credentials, but not for this image/ },
  { name: "no login", text: "denied", auth: undefined, hint: /there are no credentials for registry r\.example\.com/ },
  { name: "a login that cannot be checked", text: "denied", login: new AgentError("timeout", "no"), hint: /denied$/ },
  { name: "a registry out of reach", text: "i/o timeout", hint: /check that the device can reach .*NO_PROXY/ },
  { name: "anything else", text: "manifest unknown", hint: /manifest unknown$/ },
];

for (const { name, text, login, hint, ...given } of explained) {
  Deno.test(`#2: explainPull() of ${name} keeps the engine's text in front and the code`, async () => {
    const engineText = text === "denied" ? "denied: requested access to the resource is denied" : text;
    const error = new EngineError("pull_failed", `Pulling failed: ${engineText}`, { engineText });
    const engine = { checkLogin: () => login === undefined ? Promise.resolve() : Promise.reject(login) };
    const image = { reference: `${host}/x:1`, host, auth: "auth" in given ? given.auth : auth };
    const result = await explainPull(error, { ...image, engine, log: silentLog }, never);
    assert.ok(result instanceof AgentError);
    assert.equal(result.code, "pull_failed");
    const shown = engineTextOf(result) ?? "";
    assert.ok(shown.startsWith(text), shown);
    assert.match(shown.replace(": requested access to the resource is denied", ""), hint);
    assert.doesNotMatch(shown, /secret/);
  });
}

Deno.test("#2: explainPull() leaves errors alone that are not the engine's", async () => {
  const error = new AgentError("timeout", "it took long");
  const engine = { checkLogin: () => assert.fail("nobody was to be asked") };
  assert.equal(await explainPull(error, { reference: "r/x:1", host: "r", auth, engine, log: silentLog }, never), error);
});
