/** What the benchmark is asked for on its command line. Pure. */

import { type GroupName, groupNames, longGroups, type Program, programs, type RouterName, routers } from "./row.ts";

/** A benchmark as it was asked for. */
export interface BenchWish {
  groups: readonly GroupName[];
  /** Undefined: those that the bars of a group tell apart. */
  program: Program | undefined;
  router: RouterName | undefined;
  /** Measured starts of each program without apps, and again with apps. */
  starts: number;
  /** Measure nothing, draw what the last runs have measured. */
  isPlotOnly: boolean;
}

/** One run of a group. */
export interface Run {
  group: GroupName;
  program: Program;
  router: RouterName;
}

/** How the task is called. */
export const usage = `Usage: deno task bench [--only GROUP,…] [--program source|bundle] [--router embedded|crossbar]
                       [--starts N] | --plot
Groups: ${groupNames.join(", ")}
Only when they are named: ${longGroups.join(", ")}`;

const defaults: BenchWish = {
  groups: groupNames.filter((group) => !longGroups.includes(group)),
  program: undefined,
  router: undefined,
  starts: 3,
  isPlotOnly: false,
};

/** Reads the arguments; undefined when they are wrong. */
export function readBenchWish(args: readonly string[]): BenchWish | undefined {
  if (args.length === 1 && args[0] === "--plot") return { ...defaults, isPlotOnly: true };
  const wish = { ...defaults };
  for (let index = 0; index < args.length; index += 2) {
    const [name, value = ""] = [args[index], args[index + 1]];
    const change = readOption(name, value);
    if (change === undefined) return undefined;
    Object.assign(wish, change);
  }
  return wish;
}

/** What is to be run, in order. Where only one program or router makes sense, it is that one, whatever was asked for. */
export function runsOf(wish: BenchWish): Run[] {
  return wish.groups.flatMap((group) => {
    const fixed = fixedSettings[group];
    if (fixed !== undefined) return [{ group, ...fixed }];
    const wantedPrograms = wish.program === undefined ? usualPrograms(group) : [wish.program];
    const wantedRouters = wish.router === undefined ? usualRouters(group) : [wish.router];
    return wantedPrograms.flatMap((program) => wantedRouters.map((router) => ({ group, program, router })));
  });
}

/** What is measured there are parts of the agent, from source. The embedded router cannot go away and leave its address. */
const fixedSettings: Readonly<Partial<Record<GroupName, Omit<Run, "group">>>> = {
  fleet: { program: "source", router: "crossbar" },
  absence: { program: "source", router: "crossbar" },
  day: { program: "source", router: "embedded" },
};

function readOption(name: string | undefined, value: string): Partial<BenchWish> | undefined {
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

/** Devices run the bundle; only where the bars name the sources too are these measured by default. */
function usualPrograms(group: GroupName): readonly Program[] {
  return group === "start" || group === "memory" ? programs : ["bundle"];
}

function usualRouters(group: GroupName): readonly RouterName[] {
  return group === "calls" ? routers : ["embedded"];
}
