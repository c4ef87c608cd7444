/** The figures of a benchmark: how samples become one number, and the bar that each figure is held against. Pure. */

/** What was started: the sources, or the minified bundle. */
export const programs = ["source", "bundle"] as const;

/** One of them. */
export type Program = typeof programs[number];

/** The figures of each program, in the order in which they are shown. */
export const figureNames = [
  "launch → first status, 0 apps",
  "launch → CONNECTED, 0 apps",
  "processor time until CONNECTED, 0 apps",
  "launch → first status, 10 apps",
  "launch → CONNECTED, 10 apps",
  "processor time until CONNECTED, 10 apps",
  "idle memory (RSS), 10 apps",
  "device_handshake, p50",
  "device_handshake, p99",
  "list_containers, p50",
  "list_containers, p99",
] as const;

/** One of them. */
export type FigureName = typeof figureNames[number];

/** What the same machine needs for something simple, in the same run. Milliseconds. */
export interface Yardsticks {
  /** From the launch of an empty program to its end. */
  bareStartMs: number;
  /** The engine's own answer to the same question as `list_containers`. */
  engineP50Ms: number;
  engineP99Ms: number;
}

/** One value of each figure for each measured start. */
export type Samples = Readonly<Record<FigureName, readonly number[]>>;

/** A figure as it is shown. Milliseconds, or MiB for memory. */
export interface Figure {
  program: Program;
  name: FigureName;
  unit: "ms" | "MiB";
  /** The median over the starts, and the extremes. */
  value: number;
  least: number;
  most: number;
  /** What the next stage of the project has to reach; undefined where nothing is set. */
  bar: number | undefined;
  /** The value divided by that of the yardstick; undefined where none fits. */
  timesYardstick: number | undefined;
}

/** What `list_containers` may take longer than the engine itself. */
const containersExtraMs = 1.5;

const bars: Readonly<Partial<Record<FigureName, Readonly<Record<Program, number>>>>> = {
  "launch → first status, 0 apps": { source: 650, bundle: 450 },
  "launch → CONNECTED, 0 apps": { source: 700, bundle: 700 },
  "launch → first status, 10 apps": { source: 700, bundle: 700 },
  "launch → CONNECTED, 10 apps": { source: 1_000, bundle: 1_000 },
  "idle memory (RSS), 10 apps": { source: 78, bundle: 62 },
  "device_handshake, p50": { source: 0.8, bundle: 0.8 },
  "device_handshake, p99": { source: 4, bundle: 4 },
};

/** The value that `percent` of the samples do not exceed (nearest rank). Throws for no samples. */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.max(1, Math.ceil(sorted.length * percent / 100)) - 1];
  if (value === undefined) throw new RangeError("There are no samples");
  return value;
}

/** The middle of the samples; between the two in the middle when their number is even. Throws for no samples. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  if (low === undefined || high === undefined) throw new RangeError("There are no samples");
  return (low + high) / 2;
}

/** Turns the samples of a program into its figures. */
export function figuresOf(program: Program, samples: Samples, yardsticks: Yardsticks): Figure[] {
  return figureNames.map((name) => {
    const values = samples[name];
    const value = median(values);
    const yardstick = yardstickOf(name, yardsticks);
    return {
      program,
      name,
      unit: name.includes("memory") ? "MiB" : "ms",
      value,
      least: Math.min(...values),
      most: Math.max(...values),
      bar: name.startsWith("list_containers") && yardstick !== undefined
        ? yardstick + containersExtraMs
        : bars[name]?.[program],
      timesYardstick: yardstick === undefined ? undefined : value / yardstick,
    };
  });
}

function yardstickOf(name: FigureName, yardsticks: Yardsticks): number | undefined {
  if (name.startsWith("launch")) return yardsticks.bareStartMs;
  if (name === "list_containers, p50") return yardsticks.engineP50Ms;
  if (name === "list_containers, p99") return yardsticks.engineP99Ms;
  return undefined;
}
