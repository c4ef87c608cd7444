import assert from "node:assert/strict";
import { bump } from "../../../scripts/bump.ts";

async function makeProject(files: Readonly<Record<string, string>>) {
  const folder = await Deno.makeTempDir({ prefix: "reagent-bump-" });
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
  const printed: string[] = [];
  return {
    read: (name: string) => Deno.readTextFile(`${folder}/${name}`),
    run: (...args: string[]) => bump(args, { root: `${folder}/`, say: (text) => void printed.push(text) }),
    printed,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

const project = '{\n  "version": "0.21.0"\n}\n';
const channels = '{ "production": "0.20.20", "all": "0.21.0" }\n';

Deno.test("bump() raises the project and every channel to the same version", async () => {
  await using place = await makeProject({ "deno.json": project, "availableVersions.json": channels });
  assert.equal(await place.run("minor"), 0, place.printed.join("\n"));
  assert.equal(await place.read("deno.json"), '{\n  "version": "0.22.0"\n}\n');
  assert.equal(await place.read("availableVersions.json"), '{ "production": "0.22.0", "all": "0.22.0" }\n');
});

Deno.test("bump() writes nothing when one of the files is broken", async () => {
  await using place = await makeProject({ "deno.json": project, "availableVersions.json": '{ "all": "latest" }' });
  assert.equal(await place.run("patch"), 1);
  assert.equal(await place.read("deno.json"), project);
  assert.match(place.printed.join(), /"all" must be MAJOR\.MINOR\.PATCH, got "latest"/);
});

Deno.test("bump() takes one of three words", async () => {
  await using place = await makeProject({ "deno.json": project, "availableVersions.json": channels });
  for (const args of [[], ["big"], ["patch", "minor"], ["0.22.0"]]) assert.equal(await place.run(...args), 2);
  assert.equal(await place.read("deno.json"), project);
});
