import assert from "node:assert/strict";
import { describePackage, findPackages } from "../../../scripts/build/sbom/packages.ts";

Deno.test("findPackages() lists each package of a bundle once, with scope and version", () => {
  const bundle = [
    "// lib/base/json.ts",
    "var a = 1;",
    "// node_modules/.deno/ws@8.18.3/node_modules/ws/lib/a.js",
    "  // node_modules/.deno/ws@8.18.3/node_modules/ws/lib/b.js",
    "// node_modules/.deno/@logtape+logtape@2.4.0/node_modules/@logtape/logtape/mod.js",
    "// node_modules/.deno/retry@1.0.0-rc.1/node_modules/retry/x.js",
    'const text = "node_modules/.deno/evil@1.0.0/node_modules/evil/";',
  ].join("\n");
  assert.deepEqual(findPackages(bundle).map(({ name, version }) => `${name} ${version}`), [
    "@logtape/logtape 2.4.0",
    "retry 1.0.0-rc.1",
    "ws 8.18.3",
  ]);
});

Deno.test("describePackage() takes what is there", () => {
  const found = { name: "ws", version: "8.18.3", folder: "x" };
  const lock = JSON.stringify({ npm: { "ws@8.18.3": { integrity: "sha512-AA==" } } });
  const packageJson = JSON.stringify({ license: "MIT", dependencies: { ms: "1" } });
  assert.deepEqual(describePackage(found, { packageJson, lock }), {
    ...found,
    license: "MIT",
    uses: ["ms"],
    integrity: "sha512-AA==",
  });
  assert.deepEqual(describePackage(found, { packageJson: '{"license":{}}', lock: "{}" }), { ...found, uses: [] });
});
