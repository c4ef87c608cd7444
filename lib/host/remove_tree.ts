/**
 * Removes folders with all that is in them. Foreign trees can be deeper than the stack of this process and larger than
 * its memory, so they are walked by a child that may die of them.
 */

import { AgentError, hasCode } from "../base/errors.ts";
import { fileError } from "../files/os_error.ts";
import { type CommandEnd, runCommand } from "./command.ts";

/** How a tree is removed. */
export interface RemoveTreeOptions {
  signal: AbortSignal;
  timeoutMs: number;
  /** The path as people know it, for messages. */
  shownPath?: string;
}

/** How much of the child's words a message has. */
const quotedChars = 300;

/**
 * Removes what is at `path`: a folder with everything in it, or a file, or a link without following it. Other file
 * systems that are mounted below stay, and make it fail. A missing path is fine. What was removed before an error or an
 * interruption stays removed. Throws `io_failed`, `no_space`, `timeout`, `canceled`.
 */
export async function removeTree(path: string, options: RemoveTreeOptions): Promise<void> {
  const { shownPath = path } = options;
  // With a separator at its end, a link would be followed.
  const target = path.replace(Deno.build.os === "windows" ? /(?<=[^:\\/])[\\/]+$/ : /(?<=[^/])\/+$/, "");
  const attempt = `Cannot delete the folder "${shownPath}"`;
  let end: CommandEnd;
  try {
    if (!await hasContent(target)) return;
    end = await runRemoval(target, options);
  } catch (error) {
    if (hasCode(error, "timeout", "canceled")) throw error;
    if (hasCode(error, "command_failed")) throw new AgentError("io_failed", attempt, { cause: error });
    throw fileError(attempt, error);
  }
  if (end.code === 0) return;
  const said = (end.stderr || end.stdout).replaceAll(target, shownPath).trim().split("\n").at(-1) ?? "";
  const code = /no space left|quota/i.test(said) ? "no_space" : "io_failed";
  throw new AgentError(code, `${attempt}: ${said.slice(0, quotedChars) || `the removal ended with code ${end.code}`}`);
}

/** Removes a file or a link at once; true for a folder. */
async function hasContent(path: string): Promise<boolean> {
  try {
    if ((await Deno.lstat(path)).isDirectory) return true;
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}

async function runRemoval(path: string, { signal, timeoutMs }: RemoveTreeOptions): Promise<CommandEnd> {
  const run = (program: string, args: readonly string[], env: Record<string, string> = {}) => {
    return runCommand(program, args, { signal, timeoutMs, env: { LC_ALL: "C", ...env } });
  };
  if (Deno.build.os === "windows") {
    // As a variable the path needs no quotes.
    const script = "Remove-Item -LiteralPath $env:REAGENT_TREE -Recurse -Force -ErrorAction Stop";
    return await run("powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", script], { REAGENT_TREE: path });
  }
  // macOS has a letter for it.
  const staying = Deno.build.os === "darwin" ? ["-x"] : ["--one-file-system"];
  const end = await run("rm", ["-rf", ...staying, "--", path]);
  const isUnknown = end.code !== 0 && /(unrecognized|unknown|illegal|invalid) option/i.test(end.stderr);
  // That of busybox has no such option.
  return isUnknown ? await run("rm", ["-rf", "--", path]) : end;
}
