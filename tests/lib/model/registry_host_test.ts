import assert from "node:assert/strict";
import { byRegistryHost, registryHost } from "../../../lib/model/registry_host.ts";

const hosts: Record<string, string> = {
  "acme.azurecr.io": "acme.azurecr.io",
  "https://acme.azurecr.io": "acme.azurecr.io",
  "http://acme.azurecr.io/": "acme.azurecr.io",
  "HTTPS://ACME.azurecr.io": "acme.azurecr.io",
  " acme.azurecr.io ": "acme.azurecr.io",
  "https://acme.azurecr.io/repo/path": "acme.azurecr.io",
  "localhost:15001/": "localhost:15001",
  "10.1.2.3:5000": "10.1.2.3:5000",
  "docker.io": "docker.io",
  "https://index.docker.io/v1/": "docker.io",
  "": "",
  "https://": "",
  "/": "",
};

for (const [text, expected] of Object.entries(hosts)) {
  Deno.test(`change 2.7: the registry of ${JSON.stringify(text)} is ${JSON.stringify(expected)}`, () => {
    assert.equal(registryHost(text), expected);
  });
}

Deno.test("change 2.7: of two entries for one registry the first counts, and those without a host are dropped", () => {
  const entries = [["https://R.example.com/", 1], ["r.example.com", 2], ["", 3], ["__proto__", 4]] as const;
  const found = byRegistryHost(entries);
  assert.deepEqual(Object.entries(found), [["r.example.com", 1], ["__proto__", 4]]);
});
