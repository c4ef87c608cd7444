import assert from "node:assert/strict";
import { hasNvidiaGpu, type NvidiaTraces, watchNvidiaGpu } from "../../../lib/host/gpu.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const never = new AbortController().signal;
const none: NvidiaTraces = { driverFolder: "/no/such", modelFile: "/no/such", libraryList: ["echo", "libc.so.6"] };

Deno.test("hasNvidiaGpu() finds each trace by itself", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/model`, "NVIDIA Jetson Nano Developer Kit\0");
  assert.equal(await hasNvidiaGpu(never, none), false);
  assert.equal(await hasNvidiaGpu(never, { ...none, driverFolder: folder }), true);
  assert.equal(await hasNvidiaGpu(never, { ...none, modelFile: `${folder}/model` }), true);
  assert.equal(
    await hasNvidiaGpu(never, { ...none, libraryList: ["echo", "libnvidia-ml.so.1 (libc6) => /usr/lib/x"] }),
    true,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("hasNvidiaGpu() treats what cannot be read as no trace", async () => {
  assert.equal(
    await hasNvidiaGpu(never, { ...none, driverFolder: "/etc/passwd", libraryList: ["/no/such/program"] }),
    false,
  );
  assert.equal(await hasNvidiaGpu(AbortSignal.abort(), none), false);
});

Deno.test("watchNvidiaGpu() checks once for all calls within ten seconds", async () => {
  const folder = await Deno.makeTempDir();
  const clock = new FakeClock();
  const hasGpu = watchNvidiaGpu(clock, { ...none, driverFolder: `${folder}/nvidia` });
  assert.deepEqual(await Promise.all([hasGpu(), hasGpu()]), [false, false]);
  await Deno.mkdir(`${folder}/nvidia`);
  await clock.advance(9_999);
  assert.equal(await hasGpu(), false);
  await clock.advance(1);
  assert.equal(await hasGpu(), true);
  await Deno.remove(folder, { recursive: true });
});
