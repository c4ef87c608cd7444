/** Reads the command line of the benchmark. Pure. */

import { type GroupName, groupNames, longGroups, type Program, programs, type RouterName, routers } from "./row.ts";

/** The options of a benchmark. */
export interface BenchOptions {
  groups: readonly GroupName[];
  /** Undefined: those that the targets of a group distinguish. */
  program: Program | undefined;
  router: RouterName | undefined;
  /** How many starts to measure without apps, and again with apps. */
  starts: number;
  /** Measure nothing; draw the stored results. */
  isPlotOnly: boolean;
}

/** One run of a group. */
export interface Run {
  group: GroupName;
  program: Program;
  router: RouterName;
}

/** The usage of the task. */
export const usage = `Usage: deno task bench [--only GROUP,…] [--program source|bundle] [--router embedded|crossbar]
                       [--starts N] | --plot
Groups: ${groupNames.join(", ")}
Measured only on request: ${longGroups.join(", ")}`;

const defaults: BenchOptions = {
  groups: groupNames.filter((group) => !longGroups.includes(group)),
  program: undefined,
  router: undefined,
  starts: 3,
  isPlotOnly: false,
};

/** Reads the arguments; undefined when they are invalid. */
export function readBenchOptions(args: readonly string[]): BenchOptions | undefined {
  if (args.length === 1 && args[0] === "--plot") return { ...defaults, isPlotOnly: true };
  const options = { ...defaults };
  for (let index = 0; index < args.length; index += 2) {
    const [name, value = ""] = [args[index], args[index + 1]];
    const change = readOption(name, value);
    if (change === undefined) return undefined;
    Object.assign(options, change);
  }
  return options;
}

/** The runs of a benchmark, in order. Groups that need a certain program or router always get it. */
export function runsOf(options: BenchOptions): Run[] {
  return options.groups.flatMap((group) => {
    const fixed = fixedSettings[group];
    if (fixed !== undefined) return [{ group, ...fixed }];
    const chosenPrograms = options.program === undefined ? defaultPrograms(group) : [options.program];
    const chosenRouters = options.router === undefined ? defaultRouters(group) : [options.router];
    return chosenPrograms.flatMap((program) => chosenRouters.map((router) => ({ group, program, router })));
  });
}

/** These groups measure components of the agent, from source. The embedded router cannot stop and keep its address. */
const fixedSettings: Readonly<Partial<Record<GroupName, Omit<Run, "group">>>> = {
  fleet: { program: "source", router: "crossbar" },
  absence: { program: "source", router: "crossbar" },
  day: { program: "source", router: "embedded" },
};

function readOption(name: string | undefined, value: string): Partial<BenchOptions> | undefined {
  switch (name) {
    case "--only": {
      const names = value.split(",");
      const groups = groupNames.filter((group) => names.includes(group));
      return groups.length === names.length ? { groups } : undefined;
    }
    case "--program": {
      const program = programs.find((known) => known === value);
      return program && { program };
    }
    case "--router": {
      const router = routers.find((known) => known === value);
      return router && { router };
    }
    case "--starts":
      return /^[1-9][0-9]?$/.test(value) ? { starts: Number(value) } : undefined;
    default:
      return undefined;
  }
}

/** Devices run the bundle; the sources are measured by default only where they have targets. */
function defaultPrograms(group: GroupName): readonly Program[] {
  return group === "start" || group === "memory" ? programs : ["bundle"];
}

function defaultRouters(group: GroupName): readonly RouterName[] {
  return group === "calls" ? routers : ["embedded"];
}
