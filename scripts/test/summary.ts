/** Renders the outcomes of a test run. Pure. */

import type { TestOutcome } from "./junit.ts";

/** The end of a run: skipped and failed tests with the first lines of their texts, the duration, and the counts. */
export function renderSummary(outcomes: readonly TestOutcome[], tookMs: number): string {
  const of = (kind: TestOutcome["kind"]) => outcomes.filter((outcome) => outcome.kind === kind);
  const lines: string[] = [];
  for (const [title, kind] of [["Skipped", "skipped"], ["Failed", "failed"]] as const) {
    if (of(kind).length > 0) lines.push(`\n${title}:`);
    for (const { file, name, text } of of(kind)) {
      lines.push(`  ${file}: ${name}`);
      lines.push(
        ...text.split("\n").slice(0, 3).filter((line) => line.trim() !== "").map((line) => `      ${line.trim()}`),
      );
    }
  }
  const skipped = of("skipped").length;
  lines.push(`\nTests took ${Math.round(tookMs / 1000)} s`);
  lines.push(
    `${of("passed").length} passed, ${of("failed").length} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
  );
  return lines.join("\n");
}
