/** Tests of the removal of trees that somebody else has written. */

import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { removeTree } from "../../../lib/host/remove_tree.ts";
import { pathOf, projectRoot } from "../../../scripts/paths.ts";
import { mustRun } from "../../../scripts/programs.ts";
import { nestFolders } from "../../fakes/deep_folders.ts";

const options = { signal: new AbortController().signal, timeoutMs: 60_000 };

/** A temporary folder. */
async function makeFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => removeTree(path, options) };
}

async function namesIn(path: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path), ({ name }) => name)).sort();
}

Deno.test("#1: removeTree() removes folders that are nested deeper than the stack of a process", async () => {
  await using folder = await makeFolder();
  await nestFolders(`${folder.path}/tree`, 13_000);
  await removeTree(`${folder.path}/tree`, options);
  assert.deepEqual(await namesIn(folder.path), []);
});

Deno.test("#1: removeTree() works with an rm that cannot stay on one file system", async () => {
  await using folder = await makeFolder();
  const script = '#!/bin/sh\nexec busybox rm "$@"\n';
  await Deno.writeTextFile(`${folder.path}/rm`, script, { mode: 0o755 });
  await Deno.mkdir(`${folder.path}/tree/a/b`, { recursive: true });
  const program = `
    import { removeTree } from "${pathOf("../../../lib/host/remove_tree.ts", import.meta.url)}";
    await removeTree(Deno.args[0], { signal: new AbortController().signal, timeoutMs: 60_000 });`;
  await mustRun("env", [
    ...[`PATH=${folder.path}:${Deno.env.get("PATH")}`, Deno.execPath(), "eval", "--quiet", "--no-check"],
    ...["--config", `${projectRoot}deno.json`, program, `${folder.path}/tree`],
  ]);
  assert.deepEqual(await namesIn(folder.path), ["rm"]);
});

Deno.test("removeTree() removes files and links, follows none, and accepts that nothing is there", async () => {
  await using folder = await makeFolder();
  const at = (name: string) => `${folder.path}/${name}`;
  await Deno.mkdir(at("outside"));
  await Deno.writeTextFile(at("outside/precious"), "");
  await Deno.symlink(at("outside"), at("link"));
  await Deno.symlink(at("missing"), at("broken"));
  await Deno.mkdir(at("-rf"));
  await Deno.symlink(at("outside"), at("-rf/link"));
  await Deno.writeTextFile(at("file"), "");
  await mustRun("mkfifo", [at("pipe")]);
  for (const name of ["link", "broken", "file", "pipe", "-rf", "missing"]) await removeTree(at(name), options);
  assert.deepEqual([await namesIn(folder.path), await namesIn(at("outside"))], [["outside"], ["precious"]]);
  await Deno.symlink(at("outside"), at("link"));
  await removeTree(`${at("link")}/`, options);
  assert.deepEqual([await namesIn(folder.path), await namesIn(at("outside"))], [["outside"], ["precious"]]);
});

Deno.test("removeTree() ends with its signal and after its time, and names the path that people know", async () => {
  await using folder = await makeFolder();
  await Deno.mkdir(`${folder.path}/tree`);
  const ended = { ...options, signal: AbortSignal.abort() };
  await assert.rejects(removeTree(`${folder.path}/tree`, ended), (error) => hasCode(error, "canceled"));
  // So many that their removal takes a hundred times longer than it may.
  const fill = ["-c", "seq 20000 | xargs touch"];
  await new Deno.Command("sh", { args: fill, cwd: `${folder.path}/tree` }).output();
  await assert.rejects(removeTree(`${folder.path}/tree`, { ...options, timeoutMs: 1 }), (error) => {
    return hasCode(error, "timeout");
  });
  const shown = { ...options, shownPath: "/apps/x" };
  await assert.rejects(removeTree("/proc/self/fdinfo", shown), (error) => {
    return hasCode(error, "io_failed") && /^Cannot delete the folder "\/apps\/x": .*rm: cannot /.test(error.message);
  });
});
