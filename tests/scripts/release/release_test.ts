/** Releases with real repositories: a clone and the one that it pushes to. */

import assert from "node:assert/strict";
import { mustRun } from "../../../scripts/programs.ts";
import { release } from "../../../scripts/release.ts";

const settings = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com", "-c", "commit.gpgsign=false"];

async function makeRepository() {
  const folder = await Deno.makeTempDir({ prefix: "reagent-release-" });
  const [root, remote] = [`${folder}/clone/`, `${folder}/remote`];
  const git = async (...args: string[]) => (await mustRun("git", [...settings, ...args], { cwd: root })).stdout.trim();
  await mustRun("git", ["init", "--quiet", "--bare", remote]);
  await mustRun("git", ["init", "--quiet", "--initial-branch", "main", root]);
  for (const [key, value] of [["user.name", "Tester"], ["user.email", "tester@example.com"]] as const) {
    await git("config", key, value);
  }
  await git("remote", "add", "origin", remote);
  await Deno.writeTextFile(`${root}deno.json`, '{ "version": "0.22.0" }\n');
  await Deno.writeTextFile(`${root}availableVersions.json`, '{ "all": "0.22.0" }\n');
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "first");
  const printed: string[] = [];
  const run = (args: readonly string[], gate: readonly [string, ...string[]] = ["true"]) =>
    release(args, { root, gate: [gate], say: (text) => void printed.push(text) });
  const remoteRefs = async () => (await mustRun("git", ["ls-remote", remote])).stdout.replaceAll(/^\w+\t/gm, "");
  return { root, git, run, printed, remoteRefs, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

Deno.test("a dry run shows everything and does nothing", async () => {
  await using place = await makeRepository();
  assert.equal(await place.run(["--dry-run"], ["false"]), 0, place.printed.join("\n"));
  assert.deepEqual(place.printed, [
    "would run: false",
    'would run: git tag --annotate v0.22.0 --message "Reagent 0.22.0"',
    "would run: git push --atomic origin refs/heads/main refs/tags/v0.22.0",
  ]);
  assert.deepEqual([await place.git("tag"), await place.remoteRefs()], ["", ""]);
});

Deno.test("a release sets an annotated tag and pushes branch and tag", async () => {
  await using place = await makeRepository();
  assert.equal(await place.run([]), 0, place.printed.join("\n"));
  assert.equal(await place.git("cat-file", "-t", "v0.22.0"), "tag");
  assert.match(await place.remoteRefs(), /refs\/heads\/main\nrefs\/tags\/v0\.22\.0\n/);
  place.printed.length = 0;
  assert.equal(await place.run([]), 1);
  assert.match(place.printed.join("\n"), /tag v0\.22\.0 already/);
});

Deno.test("nothing is tagged when the tree is not clean or the gate is closed, and a tag that stays here is removed", async () => {
  await using place = await makeRepository();
  await Deno.writeTextFile(`${place.root}new.ts`, "");
  assert.equal(await place.run([]), 1);
  await Deno.remove(`${place.root}new.ts`);
  assert.equal(await place.run([], ["sh", "-c", "echo the gate is closed; exit 1"]), 1);
  assert.match(place.printed.join("\n"), /not clean[^]*the gate is closed/);
  assert.equal(await place.git("tag"), "");
  // Somebody else has pushed in the meantime.
  await place.git("push", "--quiet", "origin", "main");
  await place.git("commit", "--quiet", "--amend", "--message", "other");
  assert.equal(await place.run([]), 1);
  assert.equal(await place.git("tag"), "");
  assert.equal(await place.run(["--remote"]), 2);
});
