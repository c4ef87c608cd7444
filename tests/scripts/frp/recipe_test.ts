import assert from "node:assert/strict";
import { moduleFolder } from "../../../scripts/frp/build_program.ts";
import { frpFile, goPlatform, isNewEnough, requiredModules } from "../../../scripts/frp/recipe.ts";

const versions: Readonly<Record<string, boolean>> = {
  "go version go1.25.0 linux/amd64": true,
  "go version go1.26.8 linux/amd64": true,
  "go version go2.0 linux/amd64": true,
  "go version go1.24.9 linux/amd64": false,
  "go version go1.19.8 linux/arm64": false,
  "go version devel": false,
  "": false,
};

for (const [text, isNew] of Object.entries(versions)) {
  Deno.test(`isNewEnough("${text}") is ${isNew}`, () => assert.equal(isNewEnough(text), isNew));
}

Deno.test("a program has a file for each platform", () => {
  assert.equal(frpFile("frpc", "linux/arm64"), "frpc-linux-arm64");
  assert.equal(frpFile("frpc", "windows/amd64"), "frpc-windows-amd64.exe");
  assert.deepEqual(goPlatform("darwin/arm64"), { GOOS: "darwin", GOARCH: "arm64" });
});

Deno.test("requiredModules() lists what the client is made of, the fork in place of its original", async () => {
  const modules = requiredModules(await Deno.readTextFile(`${moduleFolder}/go.mod`));
  const paths = modules.map(({ path }) => path);
  assert.ok(modules.length > 30);
  assert.ok(modules.some(({ path, version }) => path === "github.com/fatedier/frp" && version === "v0.70.0"));
  assert.ok(paths.includes("github.com/fatedier/yamux"));
  assert.ok(!paths.includes("github.com/hashicorp/yamux"));
  assert.equal(new Set(paths).size, paths.length);
});
