import assert from "node:assert/strict";
import { parseComposeFile, readComposeFile } from "../../../scripts/studio/compose_file.ts";

Deno.test("parseComposeFile() reads YAML as compose does, and JSON", () => {
  const table: [text: string, services: unknown][] = [
    ["services:\n  web:\n    image: a:1\n    ports: [22:22, '8080:80']", {
      web: { image: "a:1", ports: ["22:22", "8080:80"] },
    }],
    ["x-all: &all {restart: always}\nservices:\n  web: {<<: *all, image: a}", {
      web: { restart: "always", image: "a" },
    }],
    ["services: {web: {image: a, init: yes, read_only: true}}", { web: { image: "a", init: "yes", read_only: true } }],
    ["services: {web: {configs: [{source: a, mode: 0440}]}}", { web: { configs: [{ source: "a", mode: 0o440 }] } }],
    ['{"services": {"web": {"image": "a"}}}', { web: { image: "a" } }],
  ];
  for (const [text, services] of table) assert.deepEqual(parseComposeFile(text).services, services, text);
});

Deno.test("readComposeFile() says which file it cannot read, and why", async () => {
  const path = await Deno.makeTempFile();
  const table: [text: string, reason: RegExp][] = [
    ["services: [", /Cannot read the compose file ".*": .*at line 1/s],
    ["- a", /it must be a mapping/],
    ["name: shop", /services must be a mapping, got nothing/],
  ];
  for (const [text, reason] of table) {
    await Deno.writeTextFile(path, text);
    await assert.rejects(readComposeFile(path), { code: "bad_request", message: reason });
  }
  await Deno.remove(path);
  await assert.rejects(readComposeFile(path), { code: "bad_request" });
});
