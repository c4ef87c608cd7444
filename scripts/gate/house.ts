/** Checks house rules that need no syntax tree: file sizes, file names, doc comments. Pure. */

import type { SourceFile } from "./imports.ts";

/** The most lines a source file may have. */
export const fileLineLimit = 400;

const bannedNames = ["utils", "helpers", "common", "manager", "service", "types", "misc", "impl"];

/** The violations in one file, one sentence each. */
export function findHouseViolations(file: SourceFile): string[] {
  return [sizeViolations, nameViolations, docViolations, exportViolations, wordViolations].flatMap((find) =>
    find(file)
  );
}

function sizeViolations(file: SourceFile): string[] {
  const lines = file.text.split("\n").length - 1;
  return lines > fileLineLimit ? [`${file.path} has ${lines} lines, more than ${fileLineLimit}`] : [];
}

function nameViolations(file: SourceFile): string[] {
  const name = file.path.split("/").at(-1) ?? "";
  const stem = name.replace(/\.ts$/, "");
  const violations = bannedNames.includes(stem) ? [`${file.path}: "${stem}" does not say what the file holds`] : [];
  return /^[a-z0-9]+(_[a-z0-9]+)*$/.test(stem)
    ? violations
    : [...violations, `${file.path} is not named in snake_case`];
}

/** Test files need no doc comments: the names of their tests say it all. */
function docViolations(file: SourceFile): string[] {
  if (file.path.endsWith("_test.ts")) return [];
  const violations: string[] = [];
  const lines = file.text.split("\n");
  if (!lines.some((line, index) => index < 4 && line.startsWith("/**"))) {
    violations.push(`${file.path} does not begin with a doc comment`);
  }
  for (const [index, line] of lines.entries()) {
    const match =
      /^export (?:abstract |async |declare )*(?:function\*?|class|interface|type|const|enum) +([A-Za-z0-9_]+)/
        .exec(line);
    if (match !== null && !endsDocComment(lines, index)) {
      violations.push(`${file.path}:${index + 1} exports ${match[1]} without a doc comment`);
    }
  }
  return violations;
}

/** True when the line before `index` ends a doc comment; overloads share the comment of the first. */
function endsDocComment(lines: readonly string[], index: number): boolean {
  const before = (lines[index - 1] ?? "").trim();
  return before.endsWith("*/") || /^export (async )?function .*;$/.test(before);
}

function exportViolations(file: SourceFile): string[] {
  const reexports = file.text.matchAll(/^export (?:type )?(?:\*|\{[^}]*\})(?: as \w+)? from "/gm);
  return [...reexports].map(({ index }) => {
    const line = file.text.slice(0, index).split("\n").length;
    return `${file.path}:${line} exports again what another file defines; import it from there`;
  });
}

function wordViolations(file: SourceFile): string[] {
  const violations: string[] = [];
  for (const [index, line] of file.text.split("\n").entries()) {
    const where = `${file.path}:${index + 1}`;
    if (/\bTO[D]O\b|\bFIX[M]E\b/.test(line)) violations.push(`${where} leaves work for later; file an issue`);
    if (/\bDeno\.exit\(/.test(line) && file.path.startsWith("lib/")) {
      violations.push(`${where} ends the process; only main.ts may`);
    }
  }
  return violations;
}
