/** Holds what was found against what is allowed. Pure. */

import { type Allowances, bundleLimits } from "./allowances.ts";
import type { Cost } from "./measure.ts";
import { type Part, sumOf } from "./parts.ts";

/** What was found out about the program. */
export interface Footprint {
  parts: ReadonlyMap<string, Part>;
  /** What is loaded before the agent runs, as `readStart()` gives it. */
  start: readonly string[];
  /** Of the minified bundle. */
  payloadBytes: number;
  /** What imports cost; empty where it was not measured. */
  costs: ReadonlyMap<string, Cost>;
}

/** The faults, one sentence each; empty when everything is within its allowance. */
export function findFootprintFaults(found: Footprint, allowances: Allowances): string[] {
  return [...bundleFaults(found), ...partFaults(found, allowances), ...startFaults(found, allowances)].concat(
    costFaults(found, allowances),
  );
}

function bundleFaults({ parts, payloadBytes }: Footprint): string[] {
  const { modules } = sumOf(parts);
  const faults: string[] = [];
  if (payloadBytes > bundleLimits.payloadBytes) {
    faults.push(`The bundle has ${payloadBytes} bytes, more than ${bundleLimits.payloadBytes}`);
  }
  if (modules > bundleLimits.modules) {
    faults.push(`The bundle is made of ${modules} modules, more than ${bundleLimits.modules}`);
  }
  // Whoever changes how the bundler writes must not make the check blind.
  if (modules === 0) faults.push("No module was found in the bundle");
  return faults;
}

function partFaults({ parts }: Footprint, { parts: allowed }: Allowances): string[] {
  const faults: string[] = [];
  for (const [name, { modules, bytes }] of parts) {
    const line = allowed[name];
    if (line === undefined) {
      faults.push(`${name} is in the bundle (${modules} modules, ${bytes} bytes) and has no line`);
      continue;
    }
    if (modules > line.modules) faults.push(`${name} has ${modules} modules in the bundle, more than ${line.modules}`);
    if (bytes > line.bytes) faults.push(`${name} has ${bytes} bytes in the bundle, more than ${line.bytes}`);
  }
  const gone = Object.keys(allowed).filter((name) => !parts.has(name));
  return [...faults, ...gone.map((name) => `${name} has a line and is not in the bundle`)];
}

/** Modules of ours are counted as parts; what they need of others is named one by one. */
function startFaults({ start }: Footprint, { start: allowed }: Allowances): string[] {
  const foreign = start.filter((name) => !/^(lib\/|main\.ts$)/.test(name));
  const unknown = foreign.filter((name) => !allowed.includes(name));
  const gone = allowed.filter((name) => !foreign.includes(name));
  return [
    ...unknown.map((name) => `${name} is loaded at the start; import it where it is needed, or give it a line`),
    ...gone.map((name) => `${name} has a line and is not loaded at the start`),
  ];
}

function costFaults({ costs }: Footprint, { costs: allowed }: Allowances): string[] {
  const faults: string[] = [];
  for (const [name, { processorMs, rssMib }] of costs) {
    const line = allowed[name];
    if (line === undefined) continue;
    if (processorMs > line.processorMs) {
      faults.push(`${name} takes ${processorMs.toFixed(0)} ms of a processor, more than ${line.processorMs}`);
    }
    if (rssMib > line.rssMib) faults.push(`${name} takes ${rssMib.toFixed(1)} MiB, more than ${line.rssMib}`);
  }
  return faults;
}
