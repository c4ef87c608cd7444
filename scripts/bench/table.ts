/** The printed table of a benchmark. Pure. */

import { type Result, targetOf, verdictOf } from "./results.ts";
import { rows } from "./rows.ts";

/** Renders one line per result, followed by the yardsticks. No line ends with a space. */
export function renderResults(results: readonly Result[]): string {
  const head = ["program", "what", "median", "least to most", "target", "", "reference", "yardstick", "×"];
  const lines = results.map((result) => {
    const { name, unit, reference } = rows[result.id];
    const target = targetOf(result);
    const { yardstick } = result;
    return [
      programText(result),
      name,
      valueText(result.value, unit),
      `${numberText(result.least)} to ${numberText(result.most)}`,
      target === undefined ? "" : `${target.kind === "atMost" ? "≤" : "≥"} ${numberText(target.value)}`,
      verdictOf(result) ?? "",
      reference === undefined ? "" : rangeText(reference),
      yardstick === undefined ? "" : numberText(yardstick),
      yardstick === undefined || yardstick === 0 ? "" : numberText(result.value / yardstick),
    ];
  });
  return [alignColumns([head, ...lines]), ...yardstickLines(results)].join("\n");
}

/** Aligns rows in columns: the first two flush left, the others flush right. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, index) => Math.max(...rows.map((row) => (row[index] ?? "").length)));
  const line = (row: readonly string[]) =>
    row.map((cell, index) => index < 2 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)).join(
      "  ",
    );
  return rows.map((row) => line(row).trimEnd()).join("\n");
}

/** Three significant digits: `0.42`, `4.21`, `61.8`, `612`; whole numbers as they are, large ones grouped: `18,000`. */
export function numberText(value: number): string {
  if (value >= 10_000) return Math.round(value).toLocaleString("en-US");
  if (Number.isInteger(value)) return `${value}`;
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** A value with its unit: `612 ms`, `52`. */
export function valueText(value: number, unit: string): string {
  return `${numberText(value)} ${unit}`.trim();
}

/** A value or a range: `1.24`, `2 to 3.50`. */
export function rangeText(range: readonly number[]): string {
  return range.map(numberText).join(" to ");
}

/** The measured program: `bundle`, or `bundle, crossbar` on another router than that of the local Studio. */
export function programText({ program, router }: Pick<Result, "program" | "router">): string {
  return router === "embedded" ? program : `${program}, ${router}`;
}

function yardstickLines(results: readonly Result[]): string[] {
  const shown = results.filter(({ yardstick }) => yardstick !== undefined);
  const words = new Map<string, Set<string>>();
  for (const { id } of shown) {
    const { group, yardstick } = rows[id];
    if (yardstick === undefined) continue;
    words.set(yardstick, (words.get(yardstick) ?? new Set()).add(group));
  }
  return [...words].map(([text, groups]) => `yardstick of ${[...groups].join(", ")}: ${text}`);
}
