import assert from "node:assert/strict";
import { parseMemory, parseProcessorTimes, StatsReader, toStats, usagePercent } from "../../../lib/host/stats.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

Deno.test("read() returns the stats of this machine as df and /proc see them", async () => {
  const stats = await new StatsReader({ appsFolder: "/no/such/folder" }).read();
  const df = new TextDecoder().decode(
    (await new Deno.Command("df", { args: ["-B1", "--output=size,used", "/"] }).output()).stdout,
  );
  const [size, used] = df.trim().split("\n")[1]?.trim().split(/\s+/).map(Number) ?? [];
  assert.equal(stats.storage_total, size);
  assert.ok(Math.abs(stats.storage_used - (used ?? 0)) < 1e9);
  assert.ok(stats.storage_free > 0 && stats.storage_free <= stats.storage_total - stats.storage_used);
  assert.equal(stats.memory_total, stats.memory_used + stats.memory_available);
  assert.ok(stats.memory_total > 100e6);
  assert.ok(stats.cpu_count >= 1);
  assert.ok(stats.cpu_usage >= 0 && stats.cpu_usage <= 100);
  assert.deepEqual(Object.entries(stats).filter(([name]) => name.startsWith("docker_apps")), [
    ["docker_apps_total", 0],
    ["docker_apps_used", 0],
    ["docker_apps_free", 0],
    ["docker_apps_mounted", false],
  ]);
  assert.equal(Object.keys(stats).length, 12);
});

Deno.test("read() does not take a folder of the root's file system for a separate file system", async () => {
  const stats = await new StatsReader({ appsFolder: "/etc" }).read();
  assert.equal(stats.docker_apps_mounted, false);
  assert.equal(stats.docker_apps_total, stats.storage_total);
});

Deno.test("toStats() recognises a second file system by its size", () => {
  const none = { total: 0, used: 0, free: 0 };
  const storage = { total: 100, used: 30, free: 60 };
  const apps = { total: 500, used: 1, free: 499 };
  const parts = { processors: 4, usage: 12.5, memory: { total: 8, available: 3 }, storage, apps };
  assert.deepEqual(toStats(parts), {
    cpu_count: 4,
    cpu_usage: 12.5,
    memory_total: 8,
    memory_used: 5,
    memory_available: 3,
    storage_total: 100,
    storage_used: 30,
    storage_free: 60,
    docker_apps_total: 500,
    docker_apps_used: 1,
    docker_apps_free: 499,
    docker_apps_mounted: true,
  });
  assert.equal(toStats({ ...parts, apps: none }).docker_apps_mounted, false);
  assert.equal(toStats({ ...parts, apps: storage }).docker_apps_mounted, false);
});

Deno.test("read() measures processor use from call to call", async () => {
  const reader = new StatsReader();
  const until = performance.now() + 150;
  while (performance.now() < until);
  assert.ok((await reader.read()).cpu_usage > 10);
});

Deno.test("read() shares a reading for 100 ms between all callers", async () => {
  const clock = new FakeClock();
  const reader = new StatsReader({ clock });
  const first = await reader.read();
  await clock.advance(99);
  const [second, third] = await Promise.all([reader.read(), reader.read()]);
  assert.ok(second === first && third === first);
  await clock.advance(1);
  assert.ok(await reader.read() !== first);
});

Deno.test("parseProcessorTimes() counts waiting as idle and does not count guests twice", () => {
  const text = "cpu  10 20 30 400 50 6 7 8 9 9\ncpu0 1 2\ncpu1 1 2\nintr 5\nctxt 1\n";
  assert.deepEqual(parseProcessorTimes(text), { count: 2, busy: 81, total: 531 });
  assert.deepEqual(parseProcessorTimes(""), { count: 0, busy: 0, total: 0 });
  assert.deepEqual(parseProcessorTimes("cpu  a b c\ncpu0 1\n"), { count: 1, busy: 0, total: 0 });
});

Deno.test("usagePercent() is a share from 0 to 100, and undefined when no time has passed", () => {
  const at = (busy: number, total: number) => ({ count: 1, busy, total });
  assert.equal(usagePercent(at(10, 100), at(43, 200)), 33);
  assert.equal(usagePercent(at(0, 0), at(1, 3)), 33.33);
  assert.equal(usagePercent(at(10, 100), at(5, 200)), 0);
  assert.equal(usagePercent(at(10, 100), at(10, 100)), undefined);
  assert.equal(usagePercent(at(10, 100), at(0, 0)), undefined);
});

Deno.test("parseMemory() returns bytes, with free memory where old kernels do not report available memory", () => {
  assert.deepEqual(parseMemory("MemTotal:  2000 kB\nMemFree:  500 kB\nMemAvailable:  1500 kB\n"), {
    total: 2_048_000,
    available: 1_536_000,
  });
  assert.deepEqual(parseMemory("MemTotal:  2000 kB\nMemFree:  500 kB\n"), { total: 2_048_000, available: 512_000 });
  assert.deepEqual(parseMemory("nonsense"), { total: 0, available: 0 });
});
