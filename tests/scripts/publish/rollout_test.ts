// box storage
/** A whole rollout of this project, as far as a machine without a base executable can go. */

import assert from "node:assert/strict";
import project from "../../../deno.json" with { type: "json" };
import { ownPlatform } from "../../../scripts/build/target.ts";
import { projectRoot } from "../../../scripts/paths.ts";
import { runProgram } from "../../../scripts/programs.ts";
import { rollout } from "../../../scripts/rollout.ts";
import { makeMinisignKeys, minisignProblem } from "../signing/minisign_keys.ts";

Deno.test("rollout builds, signs, publishes and promotes in one go, and only with --yes", async () => {
  const folder = await Deno.makeTempDir({ prefix: "reagent-rollout-" });
  try {
    const keys = await makeMinisignKeys(folder);
    const printed: string[] = [];
    const output = {
      isTerminal: () => false,
      writeSync: (bytes: Uint8Array) => printed.push(new TextDecoder().decode(bytes)) && bytes.length,
    };
    const { DENORT_BIN: _, ...environment } = Deno.env.toObject();
    const run = (...args: string[]) => rollout(args, { root: projectRoot, environment, output });
    const places = ["--to", `folder:${folder}/public`, "--folder", `${folder}/build`, "--launcher"];
    const args = [...places, "--sign-key", keys.secretFile, "--update-key", keys.publicFile];
    assert.equal(await run(...args), 1);
    assert.match(printed.join(""), /make it live for every device in folder:.*\?\nNothing was done\./);
    await assert.rejects(Deno.stat(`${folder}/public`), Deno.errors.NotFound);
    assert.equal(await run(...args, "--yes"), 0, printed.join(""));
    const staged = `${folder}/public/${ownPlatform()}/${project.version}/reagent`;
    assert.equal(await minisignProblem(staged, keys), undefined);
    await Deno.chmod(staged, 0o755);
    const ended = await runProgram(staged, ["-version"], { env: { REAGENT_RUNTIME: Deno.execPath() } });
    assert.equal(ended.stdout, `${project.version}\n`, ended.stderr);
    const index = JSON.parse(await Deno.readTextFile(`${folder}/public/availableVersions.json`));
    assert.equal(index.production, project.version);
    // What is live already is not built again.
    await Deno.remove(`${folder}/build`, { recursive: true });
    assert.equal(await run(...args, "--yes"), 0, printed.join(""));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
