/** The table of a benchmark as it is printed. Pure. */

import type { Figure, Yardsticks } from "./figures.ts";

/** The figures, one line each, then the yardsticks. No line ends with a space. */
export function renderFigures(figures: readonly Figure[], yardsticks: Yardsticks): string {
  const head = ["", "", "median", "least to most", "bar", "", "× yardstick"];
  const rows = figures.map((figure) => [
    figure.program,
    figure.name,
    `${numberText(figure.value)} ${figure.unit}`,
    `${numberText(figure.least)} to ${numberText(figure.most)}`,
    figure.bar === undefined ? "" : `${numberText(figure.bar)} ${figure.unit}`,
    figure.bar === undefined ? "" : figure.value <= figure.bar ? "ok" : "over",
    figure.timesYardstick === undefined ? "" : numberText(figure.timesYardstick),
  ]);
  const measures = [
    ["yardstick", "launch → end of an empty program", yardsticks.bareStartMs],
    ["yardstick", "GET /containers/json of the engine, p50", yardsticks.engineP50Ms],
    ["yardstick", "GET /containers/json of the engine, p99", yardsticks.engineP99Ms],
  ] as const;
  return alignColumns([head, ...rows, ...measures.map(([kind, name, ms]) => [kind, name, `${numberText(ms)} ms`])]);
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

/** Three digits that count: `0.42`, `4.21`, `61.8`, `612`. */
export function numberText(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
