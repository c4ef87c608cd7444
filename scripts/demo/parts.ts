/** The parts of the demo, and what each says at its beginning and its end. Pure. */

/** What is shown: an app of one container, one of several services, or one that is built on the device. */
export type DemoPart = "app" | "compose" | "dev";

/** Reads the arguments of the demo; undefined when there is no such part. */
export function readPart(args: readonly string[]): DemoPart | undefined {
  const [first, ...rest] = args;
  if (rest.length > 0) return undefined;
  if (first === undefined) return "app";
  return first === "--compose" ? "compose" : first === "--dev" ? "dev" : undefined;
}

/** The arguments that `readPart()` reads as this part. */
export function argsOf(part: DemoPart): string[] {
  return part === "app" ? [] : [`--${part}`];
}

/** How the demo is called. */
export const usage = "Usage: deno task demo [--compose | --dev]";

/** What is said before anything begins. */
export function introductionOf(part: DemoPart): string {
  const subjects = {
    app: "a local Studio, a device and an app, in less than a minute after set-up",
    compose: "a local Studio, a device and an app of two services",
    dev: "a local Studio, a device and an app that is built on it",
  } as const;
  return `Reagent on this machine: ${subjects[part]}.`;
}

/** What was shown, in two lines; `time` is how long it took. */
export function summaryOf(part: DemoPart, time: string): [string, string] {
  switch (part) {
    case "app":
      return [
        `That was the main job of Reagent, in ${time}: a device joined its Studio, an app was installed`,
        "from a registry, its log was read, it was updated to a second version, and it was removed again.",
      ];
    case "compose":
      return [
        `That was a compose app, in ${time}: two services were installed, their logs were read as one,`,
        "one of them was updated while the other kept running, and both were removed again.",
      ];
    case "dev":
      return [
        `That was the work on an app, in ${time}: a folder was uploaded to a device, built there, run,`,
        "published as a release, and everything was removed again.",
      ];
  }
}
