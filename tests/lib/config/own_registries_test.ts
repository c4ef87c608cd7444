import assert from "node:assert/strict";
import { ownRegistries } from "../../../lib/config/derived.ts";
import { namesOf } from "../../../lib/model/app_names.ts";

const cases: [registryUrl: string, applianceDomain: string, expected: string[]][] = [
  ["registry.example.com/", "", ["registry.example.com"]],
  ["localhost:15001/", "box.example.org", ["localhost:15001", "registry.box.example.org"]],
  ["registry.box.example.org/", "Box.example.org", ["registry.box.example.org"]],
  ["https://Registry.example.com", " ", ["registry.example.com"]],
  ["", "", []],
];

for (const [registryUrl, applianceDomain, expected] of cases) {
  Deno.test(`change 2.7: the own registries of ${registryUrl || "nothing"} and ${applianceDomain || "no domain"}`, () => {
    assert.deepEqual(ownRegistries({ registryUrl, applianceDomain }), expected);
  });
}

const repositories: [registryUrl: string, expected: string][] = [
  ["registry.example.com/", "registry.example.com/apps/prod_amd64_7_shop"],
  ["registry.example.com", "registry.example.com/apps/prod_amd64_7_shop"],
  ["https://Registry.example.com/", "registry.example.com/apps/prod_amd64_7_shop"],
  ["10.0.0.1:5000/team/", "10.0.0.1:5000/team/apps/prod_amd64_7_shop"],
  ["", "apps/prod_amd64_7_shop"],
];

for (const [registryUrl, expected] of repositories) {
  Deno.test(`change 2.7: images of the registry ${JSON.stringify(registryUrl)} have a name that engines take`, () => {
    const app = { id: { appKey: 7, stage: "PROD" }, appName: "Shop" } as const;
    assert.equal(namesOf(app, { registryUrl, mainRepository: "apps/", arch: "amd64" }).repository, expected);
  });
}
