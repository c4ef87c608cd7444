/** Switches between versions of the agent, as numbered steps: step n takes version 1.0.n for good. */

import assert from "node:assert/strict";
import type { Log } from "../../lib/base/log.ts";
import { placeFile } from "../../lib/files/place_file.ts";
import { Activation } from "../../lib/self_update/activation.ts";
import { UpdateRecordFile } from "../../lib/self_update/update_record.ts";
import { readVersionLinks } from "../../lib/self_update/version_links.ts";

/** The version of a step. */
export function versionOfStep(step: number): string {
  return `1.0.${step}`;
}

/** The version that a folder is delivered with: that of step 0. */
export async function deliverVersion(folder: string): Promise<void> {
  await placeVersion(folder, versionOfStep(0));
  await Deno.symlink("reagent-v1.0.0", `${folder}/reagent`);
}

/** Writes one step; resolves when it is on the disk. */
export async function switchVersion(folder: string, { step, log }: { step: number; log: Log }): Promise<void> {
  const [from, to] = [versionOfStep(step - 1), versionOfStep(step)];
  await placeVersion(folder, to);
  await activationOf(folder, from, log).switchTo(to, "connection");
  const next = activationOf(folder, to, log);
  assert.equal((await next.settle()).kind, "probation");
  await next.noteReached();
  assert.equal(await next.takeForGood(from), true);
  await Deno.remove(`${folder}/reagent-v${from}`);
}

/**
 * The step whose version is started next. Throws when its file is not whole, or when what was left cannot be settled;
 * afterwards nothing is left.
 */
export async function settleVersion(folder: string, log: Log): Promise<number> {
  const { program = "none" } = await readVersionLinks(folder);
  assert.equal(await Deno.readTextFile(`${folder}/reagent`), textOf(program), `the program of version ${program}`);
  const activation = activationOf(folder, program, log);
  const start = await activation.settle();
  if (start.kind === "probation") {
    assert.equal(await Deno.readTextFile(`${folder}/reagent.fallback`), textOf(start.from));
    await activation.takeForGood(start.from);
  }
  assert.ok(start.kind !== "rolledBack", `nobody has gone back: ${JSON.stringify(start)}`);
  assert.equal((await activationOf(folder, program, log).settle()).kind, "settled");
  for (const name of ["reagent.fallback", "self_update.state"]) {
    await assert.rejects(Deno.lstat(`${folder}/${name}`), Deno.errors.NotFound);
  }
  return Number(program.split(".")[2]);
}

function activationOf(agentDir: string, running: string, log: Log): Activation {
  const record = new UpdateRecordFile({ path: `${agentDir}/self_update.json`, log });
  return new Activation({ agentDir, running, record, log });
}

function textOf(version: string): string {
  return `#!/bin/sh\necho ${version}\n${"# filler\n".repeat(500)}`;
}

async function placeVersion(folder: string, version: string): Promise<void> {
  const download = `${folder}/download`;
  await Deno.writeTextFile(download, textOf(version));
  await placeFile(download, { to: `${folder}/reagent-v${version}`, mode: 0o755 });
}
