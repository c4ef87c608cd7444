/** What an installation consists of. Each step may be interrupted and done again. Pure. */

/** A step. Paths are absolute. */
export type InstallStep =
  | { kind: "makeFolder"; path: string; mode: number }
  /** Copies a program; the place has a whole one at each moment. */
  | { kind: "placeProgram"; from: string; to: string }
  | { kind: "writeFile"; path: string; text: string; mode: number }
  /** Keeps what is there before it is replaced; a copy that is there already stays. */
  | { kind: "keepCopy"; from: string; to: string }
  | { kind: "link"; path: string; target: string }
  /** It may be gone. */
  | { kind: "remove"; path: string }
  /** With `warning` a failure is only reported. */
  | { kind: "run"; command: readonly [program: string, ...args: string[]]; warning?: string }
  /** Waits until the service runs; that it does not is reported. */
  | { kind: "awaitRunning"; limitMs: number };

/** How long an installation waits for the agent. */
export const runningLimitMs = 30_000;

/** One line on what the step does. */
export function describeStep(step: InstallStep): string {
  switch (step.kind) {
    case "makeFolder":
      return `make the folder ${step.path}`;
    case "placeProgram":
      return `copy ${step.from} to ${step.to}`;
    case "writeFile":
      return `write ${step.path}`;
    case "keepCopy":
      return `keep ${step.from} as ${step.to}`;
    case "link":
      return `link ${step.path} to ${step.target}`;
    case "remove":
      return `remove ${step.path}`;
    case "run":
      return `run ${step.command.join(" ")}`;
    case "awaitRunning":
      return "wait until it runs";
  }
}
