// box engine debian frp
/** A build in a container made from Debian's packages, and the command that starts it. */

import assert from "node:assert/strict";
import { readBuildArguments } from "../../../scripts/build/arguments.ts";
import { buildInDocker, dockerArgs } from "../../../scripts/build/in_docker.ts";
import { removeForeignFolder } from "../../../scripts/files.ts";
import { projectRoot } from "../../../scripts/paths.ts";
import { mustRun } from "../../../scripts/programs.ts";
import { Dockerd } from "../../../scripts/testbed/dockerd.ts";
import { partsFolder } from "../../../scripts/testbed/setup/folder.ts";
import { makeMinisignKeys, minisignProblem } from "../signing/minisign_keys.ts";

function argsOf(args: string[], environment: Readonly<Record<string, string>> = {}): string {
  const wanted = readBuildArguments(["--docker", ...args]);
  assert.ok(wanted !== undefined);
  const runtime = { program: "/usr/bin/deno", cache: "/home/me/cache" };
  return dockerArgs(wanted, { root: "/my project/", environment, runtime, parts: "/home/me/frp" }).join(" ");
}

Deno.test("dockerArgs() mounts project, runtime, cache and keys, and shows no secret", () => {
  const plain = argsOf(["linux/arm64"]);
  assert.match(plain, /^run --rm --init --workdir \/src --entrypoint deno --volume \/my project:\/src /);
  assert.match(plain, /--volume \/usr\/bin\/deno:\/usr\/local\/bin\/deno:ro --volume \/home\/me\/cache:\/cache /);
  assert.match(plain, /--volume \/home\/me\/frp:\/parts\/frp:ro .*--env REAGENT_PARTS=\/parts /);
  assert.match(plain, / debian:bookworm-slim task build linux\/arm64$/);
  const secrets = { REAGENT_SIGN_PASSWORD: "hunter2", HTTPS_PROXY: "http://u:p@proxy", DENORT_BIN: "/opt/denort" };
  const full = argsOf(["--base-image", "b:1", "--sign-key", "/k/s", "--update-key", "p", "--bundle-only"], secrets);
  assert.match(
    full,
    /--volume \/my project\/p:\/files\/1:ro --volume \/k\/s:\/files\/2:ro --volume \/opt\/denort:\/files\/3:ro/,
  );
  assert.match(full, /--env DENORT_BIN=\/files\/3 --env HTTPS_PROXY --env REAGENT_SIGN_PASSWORD /);
  assert.match(full, / b:1 task build --update-key \/files\/1 --sign-key \/files\/2 --bundle-only$/);
  assert.ok(!full.includes("hunter2") && !full.includes("u:p"));
});

Deno.test("a build in a container makes the same bundle as one outside", async () => {
  await using engine = await Dockerd.start();
  await engine.docker("import", partsFolder().debianArchive, "reagent-base:1");
  const folder = await Deno.makeTempDir({ prefix: "reagent-docker-" });
  try {
    const root = `${folder}/project/`;
    await Deno.mkdir(root);
    for (const name of ["lib", "scripts", "main.ts", "deno.json", "deno.lock", "package.json", "node_modules"]) {
      await mustRun("cp", ["-a", `${projectRoot}${name}`, root]);
    }
    for (const name of ["targets", "availableVersions.json"]) await mustRun("cp", [`${projectRoot}${name}`, root]);
    const keys = await makeMinisignKeys(folder);
    const wanted = readBuildArguments([
      "--docker",
      "--base-image",
      "reagent-base:1",
      "--bundle-only",
      "--sign-key",
      keys.secretFile,
    ]);
    assert.ok(wanted !== undefined);
    const printed: string[] = [];
    const environment = { ...Deno.env.toObject(), DOCKER_HOST: engine.host };
    const code = await buildInDocker(wanted, {
      root,
      environment,
      targets: "linux/amd64",
      say: (text) => void printed.push(text),
    });
    assert.equal(code, 0, printed.join("\n"));
    assert.equal(await minisignProblem(`${root}build/reagent.js`, keys), undefined);
    const inside = await Deno.readTextFile(`${root}build/reagent.js`);
    await mustRun(Deno.execPath(), ["task", "build", "--bundle-only"], { cwd: root });
    assert.equal(await Deno.readTextFile(`${root}build/reagent.js`), inside);
  } finally {
    await removeForeignFolder(folder);
  }
});
