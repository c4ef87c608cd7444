/** Reads the text format of Prometheus as its own parser does, and refuses everything that this one would refuse. */

/** One value. */
export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** What belongs to one metric. */
export interface Family {
  type: string;
  help: string;
  samples: Sample[];
}

const name = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const label = `[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"`;
const sampleLine = new RegExp(
  `^(${name})(?:\\{(${label}(?:,${label})*)\\})? (NaN|[+-]Inf|[+-]?[0-9.]+(?:e[+-]?[0-9]+)?)$`,
);

/** The metrics of a text. Throws at the first line that is not allowed, and for histograms that are none. */
export function parsePrometheus(text: string): Map<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let current: { name: string; family: Family } | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const [, keyword, of = "", rest = ""] = new RegExp(`^# (HELP|TYPE) (${name}) ?(.*)$`).exec(line) ?? [];
    if (keyword !== undefined) {
      if (current?.name !== of) {
        if (families.has(of)) throw new Error(`the metric ${of} comes twice`);
        current = { name: of, family: { type: "untyped", help: "", samples: [] } };
        families.set(of, current.family);
      }
      if (current.family.samples.length > 0) throw new Error(`${keyword} after samples of ${of}`);
      if (keyword === "HELP") current.family.help = rest;
      else current.family.type = typeOf(rest);
      continue;
    }
    const sample = readSample(line);
    const identity = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (seen.has(identity)) throw new Error(`the sample ${identity} comes twice`);
    seen.add(identity);
    if (current === undefined || !belongs(sample.name, current)) throw new Error(`${line} is out of place`);
    current.family.samples.push(sample);
  }
  for (const [of, { type, samples }] of families) if (type === "histogram") checkHistogram(of, samples);
  return families;
}

function typeOf(text: string): string {
  if (!["counter", "gauge", "histogram", "summary", "untyped"].includes(text)) throw new Error(`unknown type ${text}`);
  return text;
}

function readSample(line: string): Sample {
  const match = sampleLine.exec(line);
  if (match === null) throw new Error(`not a sample: ${line}`);
  const [, of = "", labels = "", value = ""] = match;
  const pairs = [...labels.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)];
  const read = Object.fromEntries(pairs.map(([, key = "", text = ""]) => {
    return [key, text.replace(/\\(.)/g, (_, escaped) => escaped === "n" ? "\n" : escaped)];
  }));
  if (Object.keys(read).length !== pairs.length) throw new Error(`a label comes twice: ${line}`);
  return { name: of, labels: read, value: Number(value.replace("Inf", "Infinity")) };
}

function belongs(sample: string, { name: of, family: { type } }: { name: string; family: Family }): boolean {
  if (type !== "histogram") return sample === of;
  return [`${of}_bucket`, `${of}_sum`, `${of}_count`].includes(sample);
}

function checkHistogram(of: string, samples: readonly Sample[]): void {
  const groups = Map.groupBy(
    samples,
    ({ labels: { le: _, ...others } }) => JSON.stringify(Object.entries(others).sort()),
  );
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${of}_bucket`);
    const bounds = buckets.map(({ labels }) => Number((labels.le ?? "x").replace("+Inf", "Infinity")));
    const counts = buckets.map(({ value }) => value);
    const isOrdered = (values: readonly number[]) =>
      values.every((value, at) => at === 0 || value >= (values[at - 1] ?? 0));
    const total = group.find((sample) => sample.name === `${of}_count`)?.value;
    const isRight = bounds.at(-1) === Infinity && isOrdered(bounds) && isOrdered(counts) && counts.at(-1) === total;
    if (!isRight || !group.some((sample) => sample.name === `${of}_sum`)) throw new Error(`bad histogram ${of} ${key}`);
  }
}
