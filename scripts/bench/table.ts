/** The table of a benchmark as it is printed. Pure. */

import { barOf, type Figure, verdictOf } from "./figures.ts";
import { rows } from "./rows.ts";

/** The figures, one line each, then what their yardsticks are. No line ends with a space. */
export function renderFigures(figures: readonly Figure[]): string {
  const head = ["program", "what", "median", "least to most", "bar", "", "reference", "yardstick", "×"];
  const lines = figures.map((figure) => {
    const { name, unit, reference } = rows[figure.id];
    const bar = barOf(figure);
    const { yardstick } = figure;
    return [
      programText(figure),
      name,
      valueText(figure.value, unit),
      `${numberText(figure.least)} to ${numberText(figure.most)}`,
      bar === undefined ? "" : `${bar.kind === "most" ? "≤" : "≥"} ${numberText(bar.value)}`,
      verdictOf(figure) ?? "",
      reference === undefined ? "" : rangeText(reference),
      yardstick === undefined ? "" : numberText(yardstick),
      yardstick === undefined || yardstick === 0 ? "" : numberText(figure.value / yardstick),
    ];
  });
  return [alignColumns([head, ...lines]), ...yardstickLines(figures)].join("\n");
}

/** Lines of equally wide columns: the first two flush left, the others flush right. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, index) => Math.max(...rows.map((row) => (row[index] ?? "").length)));
  const line = (row: readonly string[]) =>
    row.map((cell, index) => index < 2 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)).join(
      "  ",
    );
  return rows.map((row) => line(row).trimEnd()).join("\n");
}

/** Three digits that count: `0.42`, `4.21`, `61.8`, `612`; whole numbers as they are, thousands apart: `18,000`. */
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

/** What was measured: `bundle`, or `bundle, crossbar` on another router than that of the local Studio. */
export function programText({ program, router }: Pick<Figure, "program" | "router">): string {
  return router === "embedded" ? program : `${program}, ${router}`;
}

function yardstickLines(figures: readonly Figure[]): string[] {
  const shown = figures.filter(({ yardstick }) => yardstick !== undefined);
  const words = new Map<string, Set<string>>();
  for (const { id } of shown) {
    const { group, yardstick } = rows[id];
    if (yardstick === undefined) continue;
    words.set(yardstick, (words.get(yardstick) ?? new Set()).add(group));
  }
  return [...words].map(([text, groups]) => `yardstick of ${[...groups].join(", ")}: ${text}`);
}
