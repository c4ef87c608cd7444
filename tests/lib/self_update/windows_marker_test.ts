import assert from "node:assert/strict";
import {
  decodeMarker,
  encodeMarker,
  isBlockedByMarker,
  isProvenByUptime,
  type MarkerAction,
  markerAtStart,
  type MarkerPhase,
  type WindowsMarker,
} from "../../../lib/self_update/windows_marker.ts";

const now = "2026-08-04T10:00:00Z";

function marker(phase: MarkerPhase, attempts = 0): WindowsMarker {
  return { phase, newVersion: "0.21.0", oldVersion: "0.20.20", attempts, updatedAt: "2026-08-04T09:00:00Z" };
}

const later = (phase: MarkerPhase, attempts = 0) => ({ ...marker(phase, attempts), updatedAt: now });
const store = (next: WindowsMarker): MarkerAction => ({ kind: "store", marker: next });

const starts: [what: string, marker: WindowsMarker | undefined, running: string, action: MarkerAction][] = [
  ["no marker", undefined, "0.20.20", { kind: "nothing" }],
  ["swapping, old version", marker("swapping"), "0.20.20", { kind: "clear" }],
  ["swapping, new version", marker("swapping"), "0.21.0", { kind: "clear" }],
  ["swapping, another version", marker("swapping"), "0.22.0", { kind: "clear" }],
  ["probation, first start", marker("probation"), "0.21.0", store(later("probation", 1))],
  ["probation, second start", marker("probation", 1), "0.21.0", store(later("probation", 2))],
  ["probation, third start", marker("probation", 2), "0.21.0", store(later("probation", 3))],
  ["probation, fourth start", marker("probation", 3), "0.21.0", {
    ...{ kind: "rollBack", marker: later("rolledback", 4), ifKept: later("probation", 4) },
  }],
  ["probation, after a rollback that failed", marker("probation", 4), "0.21.0", {
    ...{ kind: "rollBack", marker: later("rolledback", 5), ifKept: later("probation", 5) },
  }],
  ["probation, old version", marker("probation", 1), "0.20.20", store(later("rolledback", 1))],
  ["probation, another version", marker("probation", 1), "0.22.0", { kind: "clear" }],
  ["rolled back, old version", marker("rolledback", 4), "0.20.20", { kind: "nothing" }],
  ["rolled back, new version", marker("rolledback", 4), "0.21.0", { kind: "nothing" }],
  ["rolled back, another version", marker("rolledback", 4), "0.22.0", { kind: "nothing" }],
];

for (const [what, given, running, action] of starts) {
  Deno.test(`markerAtStart(): ${what}`, () => {
    assert.deepEqual(markerAtStart(given, { running, now }), action);
  });
}

Deno.test("a marker blocks the one version that was rolled back, and two minutes end a probation only", () => {
  for (const phase of ["swapping", "probation", "rolledback"] as const) {
    assert.equal(isBlockedByMarker(marker(phase), "0.21.0"), phase === "rolledback");
    assert.equal(isBlockedByMarker(marker(phase), "0.22.0"), false);
    assert.equal(isProvenByUptime(marker(phase)), phase === "probation");
  }
  assert.equal(isBlockedByMarker(undefined, "0.21.0"), false);
  assert.equal(isProvenByUptime(undefined), false);
});

Deno.test("the file is what the reference agent writes and reads", () => {
  const text = '{"phase":"probation","new_version":"0.21.0","old_version":"0.20.20","attempts":1,' +
    '"updated_at":"2026-08-04T09:00:00Z"}';
  assert.equal(encodeMarker(marker("probation", 1)), text);
  assert.deepEqual(decodeMarker(text), marker("probation", 1));
  assert.deepEqual(decodeMarker('{"phase":"rolledback","new_version":"0.21.0","attempts":"x"}'), {
    ...{ phase: "rolledback", newVersion: "0.21.0", oldVersion: "", attempts: 0, updatedAt: "" },
  });
  const broken = ["", "\0".repeat(100), text.slice(0, 40), "[]", "null", '{"phase":"done","new_version":"1.0.0"}'];
  for (const other of [...broken, '{"phase":"probation"}']) assert.equal(decodeMarker(other), undefined, other);
});
