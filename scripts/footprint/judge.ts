/** Compares the footprint of the program with its limits. Pure. */

import { type Allowances, bundleLimits, runtimeName } from "./allowances.ts";
import type { Cost } from "./measure.ts";
import { type Component, sumOf } from "./components.ts";

/** The measured footprint. */
export interface Footprint {
  components: ReadonlyMap<string, Component>;
  /** What is loaded before the agent runs, from `readStart()`. */
  start: readonly string[];
  /** The size of the minified bundle. */
  payloadBytes: number;
  /** What imports cost; empty when it was not measured. */
  costs: ReadonlyMap<string, Cost>;
}

/** The violations, one sentence each; empty when everything is within its limits. */
export function findFootprintViolations(found: Footprint, allowances: Allowances): string[] {
  return [...bundleViolations(found), ...componentViolations(found, allowances), ...startViolations(found, allowances)]
    .concat(
      costViolations(found, allowances),
    );
}

function bundleViolations({ components, payloadBytes }: Footprint): string[] {
  const { modules } = sumOf(components);
  const violations: string[] = [];
  if (payloadBytes > bundleLimits.payloadBytes) {
    violations.push(`The bundle has ${payloadBytes} bytes, more than ${bundleLimits.payloadBytes}`);
  }
  if (modules > bundleLimits.modules) {
    violations.push(`The bundle is made of ${modules} modules, more than ${bundleLimits.modules}`);
  }
  // A change in the bundler's output must not make the check pass.
  if (modules === 0) violations.push("No module was found in the bundle");
  return violations;
}

function componentViolations({ components }: Footprint, { components: allowed }: Allowances): string[] {
  const violations: string[] = [];
  for (const [name, { modules, bytes }] of components) {
    const limit = allowed[name];
    if (limit === undefined) {
      violations.push(`${name} is in the bundle (${modules} modules, ${bytes} bytes) and is not listed`);
      continue;
    }
    if (modules > limit.modules) {
      violations.push(`${name} has ${modules} modules in the bundle, more than ${limit.modules}`);
    }
    if (bytes > limit.bytes) violations.push(`${name} has ${bytes} bytes in the bundle, more than ${limit.bytes}`);
  }
  const gone = Object.keys(allowed).filter((name) => !components.has(name));
  return [...violations, ...gone.map((name) => `${name} is listed and is not in the bundle`)];
}

/** Our own modules are checked as components; packages and modules of the runtime are listed one by one. */
function startViolations({ start }: Footprint, { start: allowed }: Allowances): string[] {
  const foreign = start.filter((name) => !/^(lib\/|main\.ts$)/.test(name));
  const unknown = foreign.filter((name) => !allowed.includes(name));
  const gone = allowed.filter((name) => !foreign.includes(name));
  return [
    ...unknown.map((name) => `${name} is loaded at the start; import it where it is needed, or list it`),
    ...gone.map((name) => `${name} is listed and is not loaded at the start`),
  ];
}

/** The processor time of a row as a multiple of what the runtime's own modules take; NaN where neither was measured. */
export function processorRatio(costs: Footprint["costs"], name: string): number {
  return (costs.get(name)?.processorMs ?? NaN) / (costs.get(runtimeName)?.processorMs ?? NaN);
}

function costViolations({ costs }: Footprint, { costs: allowed }: Allowances): string[] {
  const violations: string[] = [];
  for (const [name, { rssMib }] of costs) {
    const limit = allowed[name];
    if (limit === undefined) continue;
    const ratio = processorRatio(costs, name);
    if (ratio > limit.processorRatio) {
      const times = `${ratio.toFixed(2)} times as much of a processor as ${runtimeName}`;
      violations.push(`${name} takes ${times}, more than ${limit.processorRatio}`);
    }
    if (rssMib > limit.rssMib) violations.push(`${name} takes ${rssMib.toFixed(1)} MiB, more than ${limit.rssMib}`);
  }
  return violations;
}
