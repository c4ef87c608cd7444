import assert from "node:assert/strict";
import {
  type ComposeService,
  imagesOf,
  servicesOf,
  windowsPathProblem,
} from "../../../../lib/apps/compose/definition.ts";
import { isConfigurationError } from "../../../../lib/apps/plan/configuration_error.ts";
import { rewriteDefinition } from "../../../../lib/apps/compose/rewrite.ts";
import { hasCode } from "../../../../lib/base/errors.ts";
import { type Dict, isDict } from "../../../../lib/base/json.ts";
import { goldenOptions, readGoldens } from "./goldens.ts";

const store = { appKey: 71, appName: "Fan_Ctl", registryUrl: "https://registry.lan.example/", mainRepository: "apps/" };

const absent: Omit<ComposeService, "name"> = {
  image: undefined,
  sourceImage: undefined,
  isBuilt: false,
  isOptional: false,
  dependsOn: [],
};

const services: [name: string, given: Dict, expected: Partial<ComposeService>][] = [
  ["nothing", {}, {}],
  ["an image", { image: "a:1" }, { image: "a:1" }],
  ["an image that is no text", { image: 7, "x-source-image": {} }, {}],
  ["its source", { image: "a:1", "x-source-image": "b:2" }, { image: "a:1", sourceImage: "b:2" }],
  ["a build section", { build: ".", image: "a" }, { image: "a", isBuilt: true }],
  ["no build section", { build: null }, {}],
  ["a profile", { profiles: ["debug"] }, { isOptional: true }],
  ["no profile", { profiles: [] }, {}],
  ["no containers", { scale: 0 }, { isOptional: true }],
  ["no replicas", { deploy: { replicas: 0 } }, { isOptional: true }],
  ["some replicas", { scale: 1, deploy: { replicas: "2" } }, {}],
  ["a list of what it needs", { depends_on: ["b", 7, "c"] }, { dependsOn: ["b", "c"] }],
  ["conditions", { depends_on: { b: { condition: "service_healthy" } } }, { dependsOn: ["b"] }],
  ["what another service has", { extends: { service: "base" } }, { image: "base:1", isBuilt: true }],
  ["what another service has, in short", { extends: "base", image: "own" }, { image: "own", isBuilt: true }],
  ["what a service of another file has", { extends: { service: "base", file: "other.yml" } }, {}],
  ["itself", { extends: { service: "web" } }, {}],
];

for (const [name, given, expected] of services) {
  Deno.test(`servicesOf() of a service with ${name}`, () => {
    const [service] = servicesOf({ services: { web: given, base: { image: "base:1", build: "." } } });
    assert.deepEqual(service, { ...absent, name: "web", ...expected });
  });
}

Deno.test("change 2.3: servicesOf() of what is no definition is an error of the app's configuration", () => {
  for (
    const given of [{}, { services: [] }, { services: "x" }, { services: { a: "nginx" } }, { services: { a: [] } }]
  ) {
    assert.throws(() => servicesOf(given), (error) => {
      assert.ok(hasCode(error, "bad_definition"));
      return isConfigurationError(undefined, error);
    });
  }
});

Deno.test("imagesOf() has each image once, with its variables and from the device's own registry", () => {
  const given = {
    services: {
      a: { image: "registry.ironflock.com/apps/prod_arm64_71_fan_ctl_a:2" },
      b: { image: "redis:${REDIS:-7}" },
      c: { image: "redis:7" },
      d: { build: "." },
      e: { image: "${EMPTY}" },
      f: { image: "$REPO/f$$" },
    },
  };
  assert.deepEqual(imagesOf(given, { store, variables: new Map([["REPO", "example.com/x"]]) }), [
    "registry.lan.example/apps/prod_arm64_71_fan_ctl_a:2",
    "redis:7",
    "example.com/x/f$",
  ]);
});

Deno.test("imagesOf() are those of the rewritten definition, for all kinds of definitions", () => {
  for (const { name, rules, given } of readGoldens()) {
    const options = goldenOptions(given, rules);
    const made = rewriteDefinition(given, options);
    assert.deepEqual(imagesOf(given, options), imagesOf(made, options), name);
    assert.ok(isDict(made["services"]));
  }
});

const volumes: [volume: unknown, path: string | undefined][] = [
  ["C:\\data:/data", "C:\\data"],
  ["d:\\data\\x:/data:ro", "d:\\data\\x"],
  ["C:/data:/data", "C:/data"],
  ["C:/data:/data:rw", "C:/data"],
  ["C:/data:C:/data", "C:/data"],
  [{ type: "bind", source: "C:\\data", target: "/data" }, "C:\\data"],
  [{ type: "bind", source: "C:/data", target: "/data" }, "C:/data"],
  ["c:/data", undefined],
  ["c:/data:ro", undefined],
  ["/c:/data", undefined],
  ["./C:/data", undefined],
  ["/data:/data", undefined],
  ["${X:-C:/x}:/y", undefined],
  [{ type: "volume", source: "C", target: "/data" }, undefined],
  [{ type: "bind", source: "/data", target: "C:\\data" }, undefined],
  [7, undefined],
];

for (const [volume, path] of volumes) {
  Deno.test(`change 2.6: windowsPathProblem() of ${JSON.stringify(volume)}: ${path ?? "none"}`, () => {
    const problem = windowsPathProblem({ services: { a: { volumes: "x" }, web: { volumes: ["/x:/y", volume] } } });
    const expected = `The service "web" mounts the Windows path ${JSON.stringify(path)}, which this device cannot have`;
    assert.equal(problem, path === undefined ? undefined : expected);
  });
}
