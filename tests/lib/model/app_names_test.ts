import assert from "node:assert/strict";
import {
  composeProjectName,
  isUsableAppName,
  namesOf,
  normalizeProject,
  parseComposeProjectName,
  parseContainerName,
  projectLabelOf,
  shownContainerName,
} from "../../../lib/model/app_names.ts";

const facts = { registryUrl: "registry.example.com/", mainRepository: "Apps/", arch: "amd64" };

Deno.test("namesOf() lower-cases names as a whole and joins registry and repository as they are", () => {
  assert.deepEqual(namesOf({ id: { appKey: 71, stage: "PROD" }, appName: "Fan_Ctl" }, facts), {
    container: "prod_71_fan_ctl",
    repository: "registry.example.com/apps/prod_amd64_71_fan_ctl",
    repositoryPrefix: "registry.example.com/apps/prod_amd64_71_",
    project: "prod_71_fan_ctl_compose",
  });
  assert.equal(namesOf({ id: { appKey: 71, stage: "DEV" }, appName: "Fan_Ctl" }, facts).container, "dev_71_fan_ctl");
});

Deno.test("parseContainerName() reads what namesOf() writes, and nothing else", () => {
  const cases: [string, ReturnType<typeof parseContainerName>][] = [
    ["prod_71_fan_ctl", { id: { appKey: 71, stage: "PROD" }, appName: "fan_ctl" }],
    ["/dev_5_x", { id: { appKey: 5, stage: "DEV" }, appName: "x" }],
    ["web_2_cache", undefined],
    ["pub_2_cache", undefined],
    ["prod_x_cache", undefined],
    ["prod_71_", undefined],
    ["prod_71", undefined],
    ["my_prod_71_fan", undefined],
    ["prod_9999999999999999999_fan", undefined],
    ["", undefined],
  ];
  for (const [name, expected] of cases) assert.deepEqual(parseContainerName(name), expected, name);
});

Deno.test("parseComposeProjectName() reads what composeProjectName() writes, and nothing else", () => {
  const app = { id: { appKey: 71, stage: "PROD" as const }, appName: "Fan_compose" };
  assert.equal(composeProjectName(app), "prod_71_fan_compose_compose");
  assert.deepEqual(parseComposeProjectName(composeProjectName(app)), { ...app, appName: "fan_compose" });
  for (const name of ["prod_71_fan", "prod_71__compose", "prod_71_compose", "pub_71_fan_compose", "my_compose", ""]) {
    assert.equal(parseComposeProjectName(name), undefined, name);
  }
});

Deno.test("isUsableAppName() refuses names that lead out of a folder or that the engine does not accept", () => {
  const usable = ["shop", "Fan_Ctl", "a", "7", "v1.2.3", "a-b_c", "-a", "_a", "a__b", "a-", "CON", "n".repeat(240)];
  const refused = [
    "",
    ".",
    "..",
    "../evil",
    "a/b",
    "a\\b",
    "a\0b",
    "a b",
    "a\nb",
    "a..b",
    ".a",
    "a.",
    "a_.b",
    "é",
    "a:b",
  ];
  for (const name of usable) assert.ok(isUsableAppName(name), name);
  for (const name of [...refused, "n".repeat(241)]) assert.ok(!isUsableAppName(name), name);
});

Deno.test("normalizeProject() returns the name as compose spells it", () => {
  const given = { "Edge.Hub+2": "edgehub2", "-_demo": "demo", "a_b-c": "a_b-c", "Ä": "", "_-_": "" };
  for (const [name, expected] of Object.entries(given)) assert.equal(normalizeProject(name), expected);
});

Deno.test("projectLabelOf() returns the label that compose gives to the project of an app, whatever its name", () => {
  const cases: [string, string][] = [
    ["Fan_Ctl", "prod_71_fan_ctl_compose"],
    ["fan-ctl", "prod_71_fan-ctl_compose"],
    ["v1.2.3", "prod_71_v123_compose"],
    ["_x-", "prod_71__x-_compose"],
    ["My_Compose", "prod_71_my_compose_compose"],
  ];
  for (const [appName, label] of cases) {
    const app = { id: { appKey: 71, stage: "PROD" as const }, appName };
    assert.equal(projectLabelOf(app), label);
    assert.deepEqual(parseComposeProjectName(label)?.id, app.id);
  }
});

Deno.test("shownContainerName() is what compose writes before the lines of a container", () => {
  assert.equal(shownContainerName("prod_7_a-b_compose-worker-long-1", "prod_7_a-b_compose"), "worker-long-1");
  assert.equal(shownContainerName("My_Own-Name", "prod_7_a-b_compose"), "My_Own-Name");
});
