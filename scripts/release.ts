/**
 * `deno task release [--dry-run] [--remote NAME]`: checks the tree and the version, runs the gate, sets the annotated
 * tag `v<version>` and pushes branch and tag at once. Publishing is another task. `--dry-run` shows all of it and does
 * nothing.
 */

import { parseArgs } from "node:util";
import { textOf } from "../lib/base/errors.ts";
import { isDict, parseJson } from "../lib/base/json.ts";
import { createLineWriter } from "./line_output.ts";
import { projectRoot } from "./paths.ts";
import { mustRun, runProgram } from "./programs.ts";
import { releaseProblems } from "./release/checks.ts";

/** What a release works on. */
export interface ReleaseOptions {
  /** The folder of the project, with a slash at its end. */
  root: string;
  /** The commands that must succeed before the tag is set. */
  gate: readonly (readonly [string, ...string[]])[];
  say(text: string): void;
}

const usage = "Usage: deno task release [--dry-run] [--remote NAME]";

/** Releases the version of the project. Returns the exit code. */
export async function release(args: readonly string[], options: ReleaseOptions): Promise<number> {
  const { say } = options;
  let wanted: { isDry: boolean; remote: string };
  try {
    const known = {
      "dry-run": { type: "boolean", default: false },
      remote: { type: "string", default: "origin" },
    } as const;
    const { values } = parseArgs({ args: [...args], options: known });
    wanted = { isDry: values["dry-run"], remote: values.remote };
  } catch (error) {
    say(`${textOf(error)}\n${usage}`);
    return 2;
  }
  try {
    return await releaseTo(wanted, options);
  } catch (error) {
    say(`FAILED release: ${textOf(error)}`);
    return 1;
  }
}

async function releaseTo(
  { isDry, remote }: { isDry: boolean; remote: string },
  { root, gate, say }: ReleaseOptions,
): Promise<number> {
  const git = async (...args: string[]) => (await mustRun("git", args, { cwd: root })).stdout.trim();
  const project = parseJson(await Deno.readTextFile(`${root}deno.json`));
  const version = isDict(project) ? String(project.version) : "";
  const branch = await git("branch", "--show-current");
  const pushed = await remoteTags(remote, root);
  const problems = pushed === undefined ? [`The remote "${remote}" does not answer`] : [];
  problems.push(...releaseProblems({
    version,
    channels: await Deno.readTextFile(`${root}availableVersions.json`),
    status: await git("status", "--porcelain"),
    branch,
    tags: [...(await git("tag", "--list")).split("\n"), ...pushed ?? []],
  }));
  for (const problem of problems) say(`FAILED ${problem}`);
  const push = ["push", "--atomic", remote, `refs/heads/${branch}`, `refs/tags/v${version}`];
  const commands: [string, ...string[]][] = [
    ...gate.map(([program, ...rest]): [string, ...string[]] => [program, ...rest]),
    ["git", "tag", "--annotate", `v${version}`, "--message", `Reagent ${version}`],
    ["git", ...push],
  ];
  if (isDry) {
    for (const command of commands) say(`would run: ${command.map(quoted).join(" ")}`);
    return problems.length === 0 ? 0 : 1;
  }
  if (problems.length > 0) return 1;
  return await runAll(commands, { root, say, undo: () => git("tag", "--delete", `v${version}`) });
}

/** Stops at the first command that fails. A tag that could not be pushed is removed, so that all can be run again. */
async function runAll(
  commands: readonly (readonly [string, ...string[]])[],
  { root, say, undo }: { root: string; say(text: string): void; undo(): Promise<string> },
): Promise<number> {
  for (const [index, [program, ...args]] of commands.entries()) {
    const text = [program, ...args].map(quoted).join(" ");
    const ended = await runProgram(program, args, { cwd: root });
    if (ended.success) {
      say(`ok     ${text}`);
      continue;
    }
    say(`FAILED ${text}:\n${(ended.stdout + ended.stderr).trim().split("\n").slice(-20).join("\n")}`);
    if (index === commands.length - 1) await undo();
    return 1;
  }
  return 0;
}

/** The tags that others see; undefined when the remote repository cannot be asked. */
async function remoteTags(remote: string, root: string): Promise<string[] | undefined> {
  const { success, stdout } = await runProgram("git", ["ls-remote", "--tags", "--refs", remote], { cwd: root });
  return success ? [...stdout.matchAll(/refs\/tags\/(\S+)/g)].map(([, tag = ""]) => tag) : undefined;
}

function quoted(text: string): string {
  return /^[\w./:=@-]+$/.test(text) ? text : JSON.stringify(text);
}

if (import.meta.main) {
  const gate: ReleaseOptions["gate"] = [[Deno.execPath(), "task", "ok"], [Deno.execPath(), "task", "test"]];
  Deno.exit(await release(Deno.args, { root: projectRoot, gate, say: createLineWriter(Deno.stdout) }));
}
