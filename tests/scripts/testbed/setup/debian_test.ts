import assert from "node:assert/strict";
import { missingPackages, neededPackages } from "../../../../scripts/testbed/setup/debian.ts";

Deno.test("missingPackages() counts only fully installed packages as installed", () => {
  const all = neededPackages.map((name) => `${name} ii \n`).join("");
  assert.deepEqual(missingPackages(all), []);
  assert.deepEqual(missingPackages(all.replace("tini ii", "tini un").replace("runc ii", "runc iF")), ["runc", "tini"]);
  assert.deepEqual(missingPackages("dpkg-query: no packages found"), neededPackages);
});
