import assert from "node:assert/strict";
import { judgeDisk } from "../../../lib/disk_space/thresholds.ts";

const GiB = 1024 ** 3;
const calm = { isEmergency: false, isLow: false, isCritical: false };
const low = { ...calm, isLow: true };
const held = { ...low, isEmergency: true };
const critical = { ...held, isCritical: true };

Deno.test("judgeDisk() returns the condition on both sides of each threshold", () => {
  const cases: [string, number | undefined, typeof calm, typeof calm][] = [
    ["plenty", 50 * GiB, calm, calm],
    ["3 GiB", 3 * GiB, calm, calm],
    ["3 GiB - 1", 3 * GiB - 1, low, held],
    ["2 GiB", 2 * GiB, low, held],
    ["1 GiB", GiB, low, held],
    ["1 GiB - 1", GiB - 1, critical, critical],
    ["nothing", 0, critical, critical],
    ["unreadable", undefined, calm, calm],
  ];
  for (const [name, freeBytes, fromCalm, fromEmergency] of cases) {
    assert.deepEqual(judgeDisk(freeBytes, { wasEmergency: false }), fromCalm, name);
    assert.deepEqual(judgeDisk(freeBytes, { wasEmergency: true }), fromEmergency, `${name}, in an emergency`);
  }
});

Deno.test("an emergency lasts at 2 GiB and ends at 3 GiB", () => {
  let wasEmergency = false;
  const flags = [GiB - 1, 2 * GiB, 3 * GiB, 2 * GiB].map((freeBytes) => {
    wasEmergency = judgeDisk(freeBytes, { wasEmergency }).isEmergency;
    return wasEmergency;
  });
  assert.deepEqual(flags, [true, true, false, false]);
});

Deno.test("for every measurement, an emergency begins only below the lower threshold and ends only at or above the upper one", () => {
  const thresholds = { lowBytes: 300, emergencyBytes: 100 };
  for (let freeBytes = 0; freeBytes <= 400; freeBytes += 1) {
    const rises = judgeDisk(freeBytes, { wasEmergency: false, thresholds }).isEmergency;
    const stays = judgeDisk(freeBytes, { wasEmergency: true, thresholds }).isEmergency;
    assert.equal(rises, freeBytes < 100, `${freeBytes}`);
    assert.equal(stays, freeBytes < 300, `${freeBytes}`);
  }
});
