import assert from "node:assert/strict";
import { type Allowances, bundleLimits } from "../../../scripts/footprint/allowances.ts";
import { findFootprintViolations, type Footprint } from "../../../scripts/footprint/judge.ts";

const allowed: Allowances = {
  components: { "lib/base": { modules: 2, bytes: 100 }, ws: { modules: 14, bytes: 1_000 } },
  start: ["node:net", "npm:ws"],
  costs: { ws: { processorRatio: 1.5, rssMib: 20 } },
};

const fitting: Footprint = {
  components: new Map([["lib/base", { modules: 2, bytes: 100 }], ["ws", { modules: 14, bytes: 1_000 }]]),
  start: ["lib/agent.ts", "main.ts", "node:net", "npm:ws"],
  payloadBytes: bundleLimits.payloadBytes,
  costs: new Map([
    ["node:", { startMs: 9, processorMs: 60, rssMib: 999 }],
    ["ws", { startMs: 5_000, processorMs: 90, rssMib: 20 }],
    ["bare", { startMs: 9, processorMs: 999, rssMib: 999 }],
  ]),
};

const cases: [name: string, change: Partial<Footprint>, violation: string | undefined][] = [
  ["everything at its limit", {}, undefined],
  ["costs that were not measured", { costs: new Map() }, undefined],
  [
    "a bundle of too many bytes",
    { payloadBytes: bundleLimits.payloadBytes + 1 },
    "The bundle has 1200001 bytes, more than 1200000",
  ],
  [
    "a component of too many modules",
    { components: new Map([...fitting.components, ["ws", { modules: 15, bytes: 1_000 }]]) },
    "ws has 15 modules in the bundle, more than 14",
  ],
  [
    "a component of too many bytes",
    { components: new Map([...fitting.components, ["lib/base", { modules: 1, bytes: 101 }]]) },
    "lib/base has 101 bytes in the bundle, more than 100",
  ],
  [
    "a component that is not listed",
    { components: new Map([...fitting.components, ["long", { modules: 1, bytes: 7 }]]) },
    "long is in the bundle (1 modules, 7 bytes) and is not listed",
  ],
  [
    "a component that is gone",
    { components: new Map([["ws", { modules: 14, bytes: 1_000 }]]) },
    "lib/base is listed and is not in the bundle",
  ],
  [
    "one more module of the runtime at the start",
    { start: [...fitting.start, "node:zlib"] },
    "node:zlib is loaded at the start; import it where it is needed, or list it",
  ],
  [
    "one module less at the start",
    { start: ["main.ts", "npm:ws"] },
    "node:net is listed and is not loaded at the start",
  ],
  [
    "an import that takes too much time",
    { costs: new Map([...fitting.costs, ["ws", { startMs: 1, processorMs: 93, rssMib: 1 }]]) },
    "ws takes 1.55 times as much of a processor as node:, more than 1.5",
  ],
  [
    "an import that takes too much memory",
    { costs: new Map([...fitting.costs, ["ws", { startMs: 1, processorMs: 1, rssMib: 20.06 }]]) },
    "ws takes 20.1 MiB, more than 20",
  ],
];

for (const [name, change, violation] of cases) {
  Deno.test(`findFootprintViolations() on ${name}`, () => {
    const violations = findFootprintViolations({ ...fitting, ...change }, allowed);
    assert.deepEqual(violations, violation === undefined ? [] : [violation]);
  });
}

Deno.test("findFootprintViolations() counts the modules of all components together", () => {
  const components = new Map([["ws", { modules: bundleLimits.modules + 1, bytes: 1 }]]);
  const limit = { ws: { modules: 1_000, bytes: 1 } };
  const violations = findFootprintViolations({ ...fitting, components }, { ...allowed, components: limit });
  assert.deepEqual(violations, ["The bundle is made of 721 modules, more than 720"]);
});

Deno.test("findFootprintViolations() refuses a bundle without modules", () => {
  const violations = findFootprintViolations({ ...fitting, components: new Map() }, { ...allowed, components: {} });
  assert.deepEqual(violations, ["No module was found in the bundle"]);
});
