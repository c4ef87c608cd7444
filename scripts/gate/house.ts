/** Checks the rules of the house that a formatter or linter does not know: sizes, names, doc comments. Pure. */

import type { SourceFile } from "./imports.ts";

/** Lines a source file may have. */
export const fileLineLimit = 400;

const bannedNames = ["utils", "helpers", "common", "manager", "service", "types", "misc", "impl"];

/** The faults of one file, one sentence each; empty when all is well. */
export function findHouseFaults(file: SourceFile): string[] {
  return [...sizeFaults(file), ...nameFaults(file), ...docFaults(file), ...wordFaults(file)];
}

function sizeFaults(file: SourceFile): string[] {
  const lines = file.text.split("\n").length - 1;
  return lines > fileLineLimit ? [`${file.path} has ${lines} lines, more than ${fileLineLimit}`] : [];
}

function nameFaults(file: SourceFile): string[] {
  const name = file.path.split("/").at(-1) ?? "";
  const stem = name.replace(/\.ts$/, "");
  const faults = bannedNames.includes(stem) ? [`${file.path}: "${stem}" says nothing about what the file holds`] : [];
  return /^[a-z0-9]+(_[a-z0-9]+)*$/.test(stem) ? faults : [...faults, `${file.path} is not named in snake_case`];
}

/** The names of its tests say what a test file is for. */
function docFaults(file: SourceFile): string[] {
  if (file.path.endsWith("_test.ts")) return [];
  const faults: string[] = [];
  const lines = file.text.split("\n");
  if (!lines.some((line, index) => index < 4 && line.startsWith("/**"))) {
    faults.push(`${file.path} does not begin with a doc comment that says what it is for`);
  }
  for (const [index, line] of lines.entries()) {
    const match =
      /^export (?:abstract |async |declare )*(?:function\*?|class|interface|type|const|enum) +([A-Za-z0-9_]+)/
        .exec(line);
    if (match !== null && !endsDocComment(lines, index)) {
      faults.push(`${file.path}:${index + 1} exports ${match[1]} without a doc comment`);
    }
  }
  return faults;
}

/** True when the line before `index` ends a doc comment; overloads share the comment of the first. */
function endsDocComment(lines: readonly string[], index: number): boolean {
  const before = (lines[index - 1] ?? "").trim();
  return before.endsWith("*/") || /^export (async )?function .*;$/.test(before);
}

function wordFaults(file: SourceFile): string[] {
  const faults: string[] = [];
  for (const [index, line] of file.text.split("\n").entries()) {
    const where = `${file.path}:${index + 1}`;
    if (/\bTO[D]O\b|\bFIX[M]E\b/.test(line)) faults.push(`${where} leaves work for later; file an issue and name it`);
    if (/\bDeno\.exit\(/.test(line) && file.path.startsWith("lib/")) {
      faults.push(`${where} ends the process; only main.ts may`);
    }
  }
  return faults;
}
