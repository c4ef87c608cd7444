/** Writes measurements in the text format of Prometheus (0.0.4), with the names that OpenTelemetry gives them. Pure. */

import type { Series } from "./histograms.ts";
import type { Attributes, Instrument, Measured } from "./instruments.ts";

const types = { counter: "counter", upDownCounter: "gauge", gauge: "gauge", histogram: "histogram" } as const;
const unitNames: Readonly<Record<string, string>> = { s: "seconds", By: "bytes" };

/** The text for all of them. */
export function prometheusText(
  { readings, series, resource }: { readings: readonly Measured[]; series: readonly Series[]; resource: Attributes },
): string {
  const families = new Map<Instrument, string[]>();
  const add = (instrument: Instrument, lines: readonly string[]) => {
    families.set(instrument, [...families.get(instrument) ?? [], ...lines]);
  };
  for (const { instrument, value, attributes } of readings) {
    add(instrument, [sampleLine(metricName(instrument), { attributes, value })]);
  }
  for (const one of series) add(one.instrument, histogramLines(one));
  const info = `# TYPE target_info gauge\n${sampleLine("target_info", { attributes: resource, value: 1 })}`;
  return `${[info, ...[...families].map(familyText)].join("\n")}\n`;
}

/** `process.cpu.time` in seconds → `process_cpu_time_seconds_total`. */
export function metricName({ name, unit, kind }: Instrument): string {
  const plain = plainName(name);
  const unitName = unitNames[unit];
  const withUnit = unitName === undefined || plain.endsWith(`_${unitName}`) ? plain : `${plain}_${unitName}`;
  return kind === "counter" ? `${withUnit}_total` : withUnit;
}

function familyText([instrument, lines]: [Instrument, readonly string[]]): string {
  const name = metricName(instrument);
  const help = instrument.description.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${types[instrument.kind]}`, ...lines].join("\n");
}

function histogramLines({ instrument, attributes, counts, sumSeconds }: Series): string[] {
  const name = metricName(instrument);
  let total = 0;
  const buckets = counts.map((count, index) => {
    total += count;
    const bound = instrument.boundsSeconds[index];
    const le = bound === undefined ? "+Inf" : String(bound);
    return sampleLine(`${name}_bucket`, { attributes: { ...attributes, le }, value: total });
  });
  const rest = { attributes };
  return [
    ...buckets,
    sampleLine(`${name}_sum`, { ...rest, value: sumSeconds }),
    sampleLine(`${name}_count`, { ...rest, value: total }),
  ];
}

function sampleLine(name: string, { attributes, value }: { attributes: Attributes; value: number }): string {
  const labels = Object.entries(attributes).map(([key, text]) => `${plainName(key)}="${escapeLabel(text)}"`);
  return `${name}${labels.length === 0 ? "" : `{${labels.join(",")}}`} ${numberText(value)}`;
}

function plainName(name: string): string {
  return name.replace(/[^a-zA-Z0-9]+/g, "_");
}

function escapeLabel(text: string): string {
  return text.toWellFormed().replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  return Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : "-Inf";
}
