/**
 * Plots the results of a benchmark: how far each one, and that of the reference agent, is from its target. Pure. Each
 * result has a line on a scale with the target in the middle; each step is a factor of two, and better is left.
 */

import { type Result, targetOf, type TargetValue, verdictOf } from "./results.ts";
import { rows } from "./rows.ts";
import { numberText, programText, rangeText, valueText } from "./table.ts";

/** One line of the plot. Places are factors of two from the target; negative is better. */
export interface PlotLine {
  name: string;
  /** The program, and its router unless that is the embedded one. */
  program: string;
  isWithin: boolean;
  /** `612 ms ≤ 700`. */
  text: string;
  place: number;
  referenceText: string;
  referencePlaces: readonly number[];
}

/** The end of the scale on both sides; what lies beyond is drawn there. */
export const scaleEnd = 4;

const [width, lineHeight, headHeight, footHeight] = [1080, 22, 64, 48];
const [nameX, programX, scaleX, scaleWidth, textX] = [12, 322, 446, 304, 766];

/** The lines of all results that have a target. */
export function plotLines(results: readonly Result[]): PlotLine[] {
  return results.flatMap((result) => {
    const target = targetOf(result);
    if (target === undefined) return [];
    const { name, unit, reference = [] } = rows[result.id];
    return [{
      name,
      program: programText(result),
      isWithin: verdictOf(result) === "ok",
      text: `${valueText(result.value, unit)} ${target.kind === "atMost" ? "≤" : "≥"} ${numberText(target.value)}`,
      place: placeOf(result.value, target),
      referenceText: rangeText(reference),
      referencePlaces: reference.map((value) => placeOf(value, target)),
    }];
  });
}

/** Factors of two from the target, within the scale; 0 is on target and negative is better. */
export function placeOf(value: number, target: TargetValue): number {
  const [more, less] = target.kind === "atMost" ? [value, target.value] : [target.value, value];
  // Zero where less is better is the best possible value, and vice versa.
  if (more <= 0) return less <= 0 ? 0 : -scaleEnd;
  if (less <= 0) return scaleEnd;
  return Math.min(scaleEnd, Math.max(-scaleEnd, Math.log2(more / less)));
}

/** Renders the plot as SVG, for light and dark pages. `machine` is shown below it. */
export function renderPlot(lines: readonly PlotLine[], machine: string): string {
  const height = headHeight + lines.length * lineHeight + footHeight;
  const body = lines.flatMap((line, index) => drawLine(line, headHeight + index * lineHeight));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="12.5" role="img" aria-labelledby="title">`,
    `<title id="title">Results of Reagent, their targets, and the results of the reference agent</title>`,
    `<style>${style}</style>`,
    `<rect class="page" width="${width}" height="${height}" rx="8"/>`,
    ...drawHead(),
    ...drawScale(height - footHeight),
    ...body,
    textAt({ x: nameX, y: height - 16, className: "faint" }, machine),
    `</svg>`,
    "",
  ].join("\n");
}

// It sets its own background, because it may be shown on a page of the other kind.
const style = [
  ".page{fill:#ffffff;stroke:#d0d7de}",
  "text{fill:#1f2328}.faint{fill:#59636e}",
  ".grid{stroke:#d0d7de}.target{stroke:#1f2328;stroke-width:2}",
  ".within{fill:#1a7f37;stroke:#1a7f37}.beyond{fill:#bc4c00;stroke:#bc4c00}",
  ".reference{fill:none;stroke:#0969da;stroke-width:2}",
  "@media (prefers-color-scheme:dark){",
  ".page{fill:#0d1117;stroke:#3d444d}",
  "text{fill:#f0f6fc}.faint{fill:#9198a1}",
  ".grid{stroke:#3d444d}.target{stroke:#f0f6fc}",
  ".within{fill:#3fb950;stroke:#3fb950}.beyond{fill:#f0883e;stroke:#f0883e}",
  ".reference{stroke:#58a6ff}",
  "}",
].join("");

function drawHead(): string[] {
  const y = 22;
  const marks = [
    `<circle class="within" cx="${nameX + 6}" cy="${y - 4}" r="5"/>`,
    textAt({ x: nameX + 18, y }, "on target"),
    `<rect class="beyond" x="${nameX + 111}" y="${y - 9}" width="10" height="10"/>`,
    textAt({ x: nameX + 128, y }, "missed"),
    diamond(nameX + 190, y - 4),
    textAt({ x: nameX + 202, y }, "reference agent"),
  ];
  const ends = [
    textAt({ x: scaleX, y: headHeight - 10, className: "faint" }, "← better"),
    textAt({ x: xOf(0), y: headHeight - 10, className: "faint", anchor: "middle" }, "target"),
    textAt({ x: scaleX + scaleWidth, y: headHeight - 10, className: "faint", anchor: "end" }, "worse →"),
    textAt({ x: textX, y: headHeight - 10, className: "faint" }, "result and target"),
    textAt({ x: width - nameX, y: headHeight - 10, className: "faint", anchor: "end" }, "reference"),
  ];
  return [...marks, ...ends];
}

function drawScale(bottom: number): string[] {
  const places = Array.from({ length: 2 * scaleEnd + 1 }, (_, index) => index - scaleEnd);
  return places.flatMap((place) => {
    const x = xOf(place);
    const line = `<line class="${
      place === 0 ? "target" : "grid"
    }" x1="${x}" x2="${x}" y1="${headHeight}" y2="${bottom}"/>`;
    const label = place === 0 ? "× 1" : place < 0 ? `1/${2 ** -place}` : `${2 ** place}`;
    return [line, textAt({ x, y: bottom + 14, className: "faint", anchor: "middle" }, label)];
  });
}

function drawLine(line: PlotLine, top: number): string[] {
  const [y, x] = [top + lineHeight / 2, xOf(line.place)];
  const kind = line.isWithin ? "within" : "beyond";
  const mark = line.isWithin
    ? `<circle class="within" cx="${x}" cy="${y}" r="5"/>`
    : `<rect class="beyond" x="${x - 5}" y="${y - 5}" width="10" height="10"/>`;
  const base = y + 4;
  return [
    textAt({ x: nameX, y: base }, line.name),
    textAt({ x: programX, y: base, className: "faint" }, line.program),
    `<line class="${kind}" x1="${xOf(0)}" x2="${x}" y1="${y}" y2="${y}" stroke-width="3"/>`,
    ...line.referencePlaces.map((place) => diamond(xOf(place), y)),
    mark,
    textAt({ x: textX, y: base }, line.text),
    ...(line.referenceText === ""
      ? []
      : [textAt({ x: width - nameX, y: base, className: "faint", anchor: "end" }, line.referenceText)]),
  ];
}

function xOf(place: number): number {
  return Math.round(scaleX + scaleWidth * (place + scaleEnd) / (2 * scaleEnd));
}

function diamond(x: number, y: number): string {
  return `<path class="reference" d="M${x - 6} ${y}L${x} ${y - 6}L${x + 6} ${y}L${x} ${y + 6}Z"/>`;
}

function textAt(at: { x: number; y: number; className?: string; anchor?: "middle" | "end" }, text: string): string {
  const className = at.className === undefined ? "" : ` class="${at.className}"`;
  const anchor = at.anchor === undefined ? "" : ` text-anchor="${at.anchor}"`;
  return `<text${className} x="${at.x}" y="${at.y}"${anchor}>${escapeXml(text)}</text>`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
