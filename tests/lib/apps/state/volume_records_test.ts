import assert from "node:assert/strict";
import { hasCode } from "../../../../lib/base/errors.ts";
import { id, RecordsWorld } from "./records_fixture.ts";

const state = { name: "a1".repeat(32), target: "/state" };
const more = { name: "b2".repeat(32), target: "/more" };
const other = { stage: "DEV", appKey: 71 } as const;

Deno.test("#1: volumes of earlier containers are known after a restart, the newest for each path", () => {
  using world = new RecordsWorld();
  world.records.volumes.keep(id, [state, more]);
  world.records.volumes.keep(id, []);
  world.records.volumes.keep(id, [{ ...state, name: "c3".repeat(32) }]);
  for (const records of [world.records, world.reopen()]) {
    assert.deepEqual(records.volumes.of(id).toSorted((a, b) => a.name < b.name ? -1 : 1), [
      ...[more, { ...state, name: "c3".repeat(32) }],
    ]);
    assert.deepEqual(records.volumes.of(other), []);
    assert.deepEqual(records.volumes.names(), new Set([more.name, "c3".repeat(32)]));
  }
  world.records.volumes.forget(id);
  assert.deepEqual([world.reopen().volumes.of(id), world.records.volumes.names().size], [[], 0]);
});

Deno.test("#1: volumes that the database refuses are held until it takes them", () => {
  using world = new RecordsWorld();
  world.breakStore();
  assert.throws(() => world.records.volumes.keep(id, [state]), (error) => hasCode(error, "store_failed"));
  assert.deepEqual([world.records.volumes.of(id), [...world.records.volumes.names()]], [[state], [state.name]]);
  world.records.volumes.forget(id);
  assert.deepEqual(world.records.volumes.of(id), []);
  world.mendStore();
  world.records.volumes.keep(id, [state]);
  assert.deepEqual(world.reopen().volumes.of(id), [state]);
});
