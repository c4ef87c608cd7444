import assert from "node:assert/strict";
import { hasNvidia, type NvidiaTraces } from "../../lib/host/nvidia.ts";

const never = new AbortController().signal;
const none: NvidiaTraces = { driverFolder: "/no/such", modelFile: "/no/such", libraryList: ["echo", "libc.so.6"] };

Deno.test("hasNvidia() finds each trace by itself", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/model`, "NVIDIA Jetson Nano Developer Kit\0");
  assert.equal(await hasNvidia(never, none), false);
  assert.equal(await hasNvidia(never, { ...none, driverFolder: folder }), true);
  assert.equal(await hasNvidia(never, { ...none, modelFile: `${folder}/model` }), true);
  assert.equal(
    await hasNvidia(never, { ...none, libraryList: ["echo", "libnvidia-ml.so.1 (libc6) => /usr/lib/x"] }),
    true,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("hasNvidia() takes what cannot be read for no trace", async () => {
  assert.equal(
    await hasNvidia(never, { ...none, driverFolder: "/etc/passwd", libraryList: ["/no/such/program"] }),
    false,
  );
  assert.equal(await hasNvidia(AbortSignal.abort(), none), false);
});
