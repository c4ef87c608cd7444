// box engine
/** Creates and starts containers of apps on a real engine, and reads them back. */

import assert from "node:assert/strict";
import { DataFolder } from "../../../../lib/apps/container/data_folder.ts";
import { createRequest, type PublishedPort } from "../../../../lib/apps/container/create_request.ts";
import { HostPorts, portsNamedIn } from "../../../../lib/apps/container/host_ports.ts";
import { probePort } from "../../../../lib/apps/container/port_probe.ts";
import type { AppId } from "../../../../lib/model/app.ts";
import { hasCode, messageOf } from "../../../../lib/base/errors.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import { Engine } from "../../../../lib/docker/engine.ts";
import { busyboxImage, Dockerd } from "../../../../scripts/testbed/dockerd.ts";

const { signal } = new AbortController();

Deno.test("a real engine runs an app of either stage as createRequest() describes it", async () => {
  await using dockerd = await Dockerd.start();
  const engine = new Engine({ log: silentLog, env: { DOCKER_HOST: `unix://${dockerd.socket}` } });
  const folder = await Deno.makeTempDir();
  try {
    for (const [index, stage] of (["PROD", "DEV"] as const).entries()) {
      await runApp({ engine, folder, id: { appKey: 7, stage }, hostPort: 40_100 + index });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a real engine names a port that another program has, and probePort() avoids the ports of the engine", async () => {
  await using dockerd = await Dockerd.start();
  const engine = new Engine({ log: silentLog, env: { DOCKER_HOST: `unix://${dockerd.socket}` } });
  using _foreign = Deno.listen({ hostname: "0.0.0.0", port: 40_001 });
  for (const transport of ["tcp", "udp"] as const) {
    const name = `prod_1_${transport}`;
    await startPublished(engine, { name, ports: [{ port: 80, transport, hostPort: 40_000 }] });
    const listed = (await engine.listContainers(signal)).find(({ names }) => names.includes(name));
    const [published] = listed?.published[`80/${transport}`] ?? [];
    assert.deepEqual(published, { hostIp: "0.0.0.0", hostPort: 40_000 }, "the list shows where the port is published");
    const ports = new HostPorts({ isFree: probePort });
    const chosen = ports.recoverOrReserve({ app: { appKey: 2, stage: "PROD" }, transport, port: 80 }, 0);
    assert.equal(chosen, transport === "tcp" ? 40_002 : 40_001);
    const asked = [40_000, 40_001, 4000].map((hostPort, index) => ({ port: 80 + index, transport, hostPort }));
    const taken = transport === "tcp" ? asked.slice(0, 2) : asked.slice(0, 1);
    for (const port of taken) {
      const container = { name: `prod_2_${port.hostPort}_${transport}`, ports: [port] };
      const failure = await startPublished(engine, container);
      assert.ok(hasCode(failure, "port_in_use"), messageOf(failure));
      assert.deepEqual(portsNamedIn(failure.message, asked), [port], failure.message);
    }
  }
});

/** Starts a container that publishes these ports; returns the error with which that failed. */
async function startPublished(
  engine: Engine,
  { name, ports }: { name: string; ports: readonly PublishedPort[] },
): Promise<unknown> {
  const app = { id: { appKey: 1, stage: "PROD" }, appName: "a", version: "1", releaseKey: 1 } as const;
  const body = createRequest({ image: busyboxImage, app, env: [], ports, mounts: [], withGpu: false });
  const container = await engine.create(name, { ...body, Cmd: ["sleep", "60"] }, signal);
  return await engine.start(container, signal).then(() => undefined, (error) => error);
}

async function runApp(
  { engine, folder, id, hostPort }: { engine: Engine; folder: string; id: AppId; hostPort: number },
): Promise<void> {
  const appFolder = new DataFolder({ appsDir: folder }, { id, appName: "Shop" });
  await appFolder.writeEnv([{ name: "MOTTO", value: "a=b c" }]);
  const ports: PublishedPort[] = [{ port: 8080, transport: "tcp", hostPort }, { port: 53, transport: "udp", hostPort }];
  const body = createRequest({
    image: busyboxImage,
    app: { id, appName: "Shop", version: "1", releaseKey: 3 },
    env: ["MOTTO=a=b c"],
    ports,
    mounts: [{ source: folder, target: "/shared" }, { source: appFolder.path, target: "/data" }],
    withGpu: false,
  });
  const name = `${id.stage.toLowerCase()}_7_shop`;
  const Cmd = ["sh", "-c", 'cp /data/env/MOTTO.txt /data/seen && printf %s "$MOTTO" >> /data/seen && exec sleep 60'];
  const container = await engine.create(name, { ...body, Cmd }, signal);
  const watch = await engine.watchExit(container, { condition: "next-exit", signal });
  await engine.start(container, signal);
  const created = await engine.inspect(name, signal);
  assert.equal(created?.status, "running");
  assert.equal(created.networkMode, "bridge");
  assert.deepEqual(created.portBindings, {
    "8080/tcp": [{ hostIp: "0.0.0.0", hostPort }],
    "53/udp": [{ hostIp: "0.0.0.0", hostPort }],
  });
  assert.deepEqual([created.labels["real"], created.labels["reagent.stage"], created.tty], ["True", id.stage, true]);
  await engine.stop(container, { graceSeconds: 1, signal });
  await watch.exitCode();
  assert.equal(await Deno.readTextFile(`${appFolder.path}/seen`), "a=b ca=b c");
}
