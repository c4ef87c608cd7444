/** `reagent doctor`: looks for what keeps the agent from working, and says what to do about it. */

import { escapeForCell } from "../base/quote.ts";
import type { Flags } from "../flags.ts";
import type { LocalArguments } from "./arguments.ts";
import { gatherDoctorFacts } from "./doctor/gather.ts";
import { type Check, judge } from "./doctor/judge.ts";
import { type CommandSite, printJson, writeText } from "./output.ts";
import { type Paint, paintFor } from "./status_text.ts";

/** Where each check is explained. */
const explained = "docs/operating.md#doctor-";

/** Prints all checks. Returns 1 when one of them failed. */
export async function runDoctor(
  { isJson }: LocalArguments,
  { flags, stdout }: CommandSite & { flags: Flags },
): Promise<number> {
  const checks = judge(await gatherDoctorFacts(flags));
  const code = checks.some(({ result }) => result === "fail") ? 1 : 0;
  const isColored = stdout.isTerminal() && !Deno.env.get("NO_COLOR");
  if (isJson) return printJson(stdout, { isHealthy: code === 0, checks }, { code });
  return writeText(stdout, doctorText(checks, paintFor(isColored))) ? code : 1;
}

/** A line for each check, and below it what to do. Texts of others are escaped. Pure. */
export function doctorText(checks: readonly Check[], paint: Paint): string {
  const colors = { ok: "green", warn: "yellow", fail: "red" } as const;
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, result, text, advice }) => [
    `${paint(colors[result], result.padEnd(4))}  ${name.padEnd(width)}  ${escapeForCell(text)}`,
    ...advice === "" ? [] : [`${" ".repeat(width + 8)}${escapeForCell(advice)} (${explained}${name})`],
  ]);
  const count = (result: Check["result"]) => checks.filter((check) => check.result === result).length;
  return [...lines, "", `${count("ok")} ok, ${count("warn")} warn, ${count("fail")} fail`, ""].join("\n");
}
