import assert from "node:assert/strict";
import {
  authoredEnvFiles,
  definitionText,
  rewriteDefinition,
  type RewriteOptions,
} from "../../../../lib/apps/compose/rewrite.ts";
import { hasCode } from "../../../../lib/base/errors.ts";
import { type Dict, isDict } from "../../../../lib/base/json.ts";
import { goldenOptions, readGoldens } from "./goldens.ts";

const plain = { services: { web: { image: "nginx" } } };

/** The only service of what a definition becomes. */
function rewritten(service: Dict, options: Partial<RewriteOptions> = {}): Dict {
  const definition = { services: { web: service } };
  const { services } = rewriteDefinition(definition, { ...goldenOptions(definition), ...options });
  assert.ok(isDict(services) && isDict(services["web"]));
  return services["web"];
}

for (const { name, rules, given, expected } of readGoldens()) {
  Deno.test(`rewriteDefinition() of a definition with ${name}`, () => {
    const before = structuredClone(given);
    const options = goldenOptions(given, rules);
    const once = rewriteDefinition(given, options);
    assert.deepEqual(once, expected);
    assert.deepEqual(given, before, "the input was changed");
    assert.deepEqual(rewriteDefinition(once, options), once, "a second time changes something");
    assert.deepEqual(rewriteDefinition(once, goldenOptions(once, rules)), once, "chosen ports are chosen again");
    assert.deepEqual(JSON.parse(definitionText(once)), once);
  });
}

Deno.test("M41: rewriteDefinition() shares nothing with its input", () => {
  const given = { services: { web: { image: "nginx", ports: [{ target: 80 }], labels: { a: { b: 1 } } } } };
  const made = rewriteDefinition(given, goldenOptions(given));
  assert.ok(isDict(made["services"]) && isDict(made["services"]["web"]));
  assert.notEqual(made["services"]["web"]["labels"], given.services.web.labels);
  assert.notEqual(made["services"]["web"]["ports"], given.services.web.ports);
});

Deno.test("rewriteDefinition() writes paths of the host so that compose reads them as they are", () => {
  const folders = (envDir: string) => rewritten({ image: "a" }, { envDir, certsDir: undefined })["volumes"];
  assert.deepEqual(folders("/srv/a b/env"), ["/srv/a b/env:/data/env:ro"]);
  assert.deepEqual(folders("/srv/$HOME/env"), ["/srv/$$HOME/env:/data/env:ro"]);
  assert.deepEqual(folders("C:\\apps\\env"), ["C:\\apps\\env:/data/env:ro"]);
  const source = "/srv/a:b$$/env";
  const target = "/data/env";
  assert.deepEqual(folders(source), [{ type: "bind", source: "/srv/a:b$$$$/env", target, read_only: true }]);
});

Deno.test("rewriteDefinition() leaves out files of variables that are not on the device", () => {
  const hasEnvFile = (path: string) => path === "here.env";
  const files = (given: unknown) => rewritten({ image: "a", env_file: given }, { hasEnvFile })["env_file"];
  assert.deepEqual(files("gone.env"), ".env-compose");
  assert.deepEqual(files("here.env"), [".env-compose", "here.env"]);
  assert.deepEqual(files(["gone.env", "here.env", "${X}.env"]), [".env-compose", "here.env", "${X}.env"]);
  assert.deepEqual(files([{ path: "gone.env" }, { path: "here.env" }]), [".env-compose", { path: "here.env" }]);
  const all = { a: { env_file: ["one", { path: "two" }, "${X}"] }, b: { env_file: "one" }, c: {} };
  assert.deepEqual(authoredEnvFiles({ services: all }), ["one", "two"]);
});

Deno.test("rewriteDefinition() keeps the network of another container free of hosts, and adds no certificates", () => {
  const service = rewritten({ image: "a", network_mode: "container:b" }, { certsDir: undefined });
  assert.equal(service["extra_hosts"], undefined);
  assert.deepEqual(service["volumes"], ["/srv/apps/prod/fan_ctl/env:/data/env:ro"]);
});

Deno.test("definitionText() is compact, has sorted keys, and no line break at its end", () => {
  const text = definitionText({ services: { b: { z: 1, a: [{ d: 1, c: null }] }, a: {} }, name: "x" });
  assert.equal(text, '{"name":"x","services":{"a":{},"b":{"a":[{"c":null,"d":1}],"z":1}}}');
});

Deno.test("M30: rewriteDefinition() of what is no definition, and of one without an end, is an error of the app", () => {
  const options = goldenOptions(plain);
  let deep: Dict = {};
  for (let depth = 0; depth < 200_000; depth += 1) deep = { deep };
  const wrong = [{}, { services: null }, { services: [] }, { services: { a: null } }, { ...plain, deep }];
  for (const definition of wrong) {
    const work = () => definitionText(rewriteDefinition(definition, options));
    assert.throws(work, (error) => hasCode(error, "bad_definition"));
  }
});
