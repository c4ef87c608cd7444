// box
import assert from "node:assert/strict";
import { hasCode, isCanceled } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { isDict } from "../../../lib/base/json.ts";
import { Engine } from "../../../lib/docker/engine.ts";
import { decodeSummary } from "../../../lib/docker/decode.ts";
import { busyboxImage, Dockerd } from "../../../scripts/testbed/dockerd.ts";

const never = new AbortController().signal;
const noGrace = { graceSeconds: 1, signal: never };

/** A container to create: a shell script that needs no network. */
interface Script {
  name: string;
  script: string;
  host?: Record<string, unknown>;
}

async function create(engine: Engine, given: Script): Promise<string> {
  const body = {
    Image: busyboxImage,
    Cmd: ["sh", "-c", given.script],
    Tty: true,
    Labels: { real: "True" },
    Env: ["A=b c"],
    ExposedPorts: { "80/tcp": {} },
    HostConfig: { NetworkMode: "none", ...given.host },
  };
  return await engine.create(given.name, body, never);
}

Deno.test("the real engine", async (t) => {
  // Containers that keep running make a restart of the engine quick.
  await using dockerd = await Dockerd.start({ liveRestore: true });
  const engine = new Engine({ log: silentLog, env: { DOCKER_HOST: dockerd.host } });

  await t.step("ping() and dataRoot() answer", async () => {
    await engine.ping(never);
    assert.equal(await engine.dataRoot(never), `${dockerd.folder}/data`);
  });

  await t.step("create(), inspect(), the lists and remove() agree on a container", async () => {
    const ports = { PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "31000" }] } };
    const id = await create(engine, { name: "prod_1_shop", script: "sleep 60", host: ports });
    const seen = await engine.inspect("prod_1_shop", never);
    assert.equal(seen?.id, id);
    assert.equal(seen.name, "prod_1_shop");
    assert.equal(seen.status, "created");
    assert.equal(seen.networkMode, "none");
    assert.equal(seen.image, busyboxImage);
    assert.equal(seen.tty, true);
    assert.equal(seen.labels.real, "True");
    assert.ok(seen.env.includes("A=b c"));
    assert.deepEqual(seen.portBindings, { "80/tcp": [{ hostIp: "", hostPort: 31000 }] });
    const [summary] = await engine.listContainers(never);
    const fromImage = await dockerd.tryDocker(["inspect", "--format", "{{.Image}}", "prod_1_shop"]);
    assert.deepEqual(summary, {
      id,
      imageId: fromImage.stdout.trim(),
      names: ["prod_1_shop"],
      state: "created",
      image: busyboxImage,
      labels: { real: "True" },
      published: {},
    });
    const [raw] = await engine.listContainersRaw(never);
    const fromCommand = await dockerd.tryDocker(["inspect", "--format", "{{.Id}}", "prod_1_shop"]);
    assert.equal(decodeSummary(raw)?.id, fromCommand.stdout.trim());
    assert.ok(isDict(raw) && "NetworkSettings" in raw && "HostConfig" in raw);
    await engine.remove(id, { force: false, signal: never });
    assert.equal(await engine.inspect(id, never), undefined);
    assert.equal(await engine.inspect("prod_1_shop", never), undefined);
  });

  await t.step("inspect() requires the exact name", async () => {
    const id = await create(engine, { name: "prod_6_app2", script: "true" });
    assert.equal(await engine.inspect("prod_6_app", never), undefined);
    await engine.remove(id, { force: false, signal: never });
  });

  await t.step("what does not exist is container_missing or image_missing", async () => {
    const isMissing = (error: unknown) => hasCode(error, "container_missing");
    await assert.rejects(engine.start("nope", never), isMissing);
    await assert.rejects(engine.stop("nope", noGrace), isMissing);
    await assert.rejects(engine.remove("nope", { force: true, signal: never }), isMissing);
    await assert.rejects(engine.waitForExit("nope", { condition: "not-running", signal: never }), isMissing);
    await assert.rejects(engine.readLogs("nope", { tty: true, signal: never }), isMissing);
    await assert.rejects(Array.fromAsync(engine.followLogs("nope", { tty: true, signal: never })), isMissing);
    await assert.rejects(engine.create("x", { Image: "none:1" }, never), (error) => hasCode(error, "image_missing"));
  });

  await t.step("a second container of one name is name_in_use", async () => {
    const id = await create(engine, { name: "twice", script: "true" });
    await assert.rejects(create(engine, { name: "twice", script: "true" }), (error) => hasCode(error, "name_in_use"));
    await engine.remove(id, { force: false, signal: never });
  });

  await t.step("a host port that is taken is port_in_use and is named", async () => {
    using listener = Deno.listen({ port: 0 });
    const { port } = listener.addr;
    const bindings = { NetworkMode: "bridge", PortBindings: { "80/tcp": [{ HostPort: `${port}` }] } };
    const id = await create(engine, { name: "taken", script: "sleep 60", host: bindings });
    await assert.rejects(
      engine.start(id, never),
      (error) => hasCode(error, "port_in_use") && error.message.includes(`:${port}`),
    );
    await engine.remove(id, { force: true, signal: never });
  });

  await t.step("start() reports a command that does not exist", async () => {
    const id = await engine.create("broken", {
      Image: busyboxImage,
      Cmd: ["/no/such"],
      HostConfig: { NetworkMode: "none" },
    }, never);
    await assert.rejects(
      engine.start(id, never),
      (error) => hasCode(error, "engine_refused") && /no such file/.test(error.message),
    );
    assert.match((await engine.inspect(id, never))?.error ?? "", /no such file/);
    await engine.remove(id, { force: true, signal: never });
  });

  await t.step("start() and stop() can be repeated", async () => {
    const id = await create(engine, { name: "again", script: "sleep 60" });
    await engine.start(id, never);
    await engine.start(id, never);
    assert.equal((await engine.inspect(id, never))?.status, "running");
    await engine.stop(id, noGrace);
    await engine.stop(id, noGrace);
    const seen = await engine.inspect(id, never);
    assert.equal(seen?.status, "exited");
    assert.equal(seen.exitCode, 137);
    assert.ok(seen.startedAt < seen.finishedAt);
    await engine.remove(id, { force: true, signal: never });
  });

  await t.step("stop() sends SIGTERM and waits for the end", async () => {
    const id = await create(engine, {
      name: "polite",
      script: "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.1; done",
    });
    await engine.start(id, never);
    for await (const lines of engine.followLogs(id, { tty: true, signal: never })) {
      if (lines.some(({ text }) => text === "ready")) break;
    }
    await engine.stop(id, { graceSeconds: 10, signal: never });
    assert.equal((await engine.inspect(id, never))?.exitCode, 7);
    assert.deepEqual(await engine.readLogs(id, { tty: true, signal: never }), ["ready", "bye"]);
    await engine.remove(id, { force: true, signal: never });
  });

  await t.step("watchExit() before the start never misses the quickest exit", async () => {
    for (let round = 0; round < 5; round++) {
      const id = await create(engine, { name: "quick", script: "exit 3" });
      const watch = await engine.watchExit(id, { condition: "next-exit", signal: never });
      await engine.start(id, never);
      assert.equal(await watch.exitCode(), 3);
      assert.equal(await engine.waitForExit(id, { condition: "not-running", signal: never }), 3);
      const removed = await engine.watchExit(id, { condition: "removed", signal: never });
      await engine.remove(id, { force: true, signal: never });
      await removed.exitCode();
      assert.equal(await engine.inspect(id, never), undefined);
    }
  });

  await t.step("a wait ends when its signal is aborted", async () => {
    const id = await create(engine, { name: "long", script: "sleep 60" });
    await engine.start(id, never);
    const controller = new AbortController();
    const watch = await engine.watchExit(id, { condition: "next-exit", signal: controller.signal });
    const ended = watch.exitCode();
    controller.abort();
    await assert.rejects(ended, isCanceled);
    await engine.remove(id, { force: true, signal: never });
  });

  await t.step("events() reports start, exit with exit code and removal, with labels", async () => {
    const controller = new AbortController();
    const events = engine.events(controller.signal);
    const first = events.next();
    // The stream is open when its first event comes; one is made until then.
    let isOpen = false;
    const opened = first.then(() => void (isOpen = true));
    while (!isOpen) {
      await engine.remove(await create(engine, { name: "ping", script: "true" }), { force: true, signal: never });
    }
    await opened;
    const id = await create(engine, { name: "told", script: "exit 5" });
    await engine.start(id, never);
    await engine.waitForExit(id, { condition: "not-running", signal: never });
    await engine.remove(id, { force: true, signal: never });
    const told: string[] = [];
    for await (const event of events) {
      if (event.id !== id) continue;
      assert.equal(event.name, "told");
      assert.equal(event.labels.real, "True");
      assert.ok(event.timeNano > 1_700_000_000_000_000_000n);
      told.push(event.exitCode === undefined ? event.action : `${event.action} ${event.exitCode}`);
      if (event.action === "destroy") controller.abort();
    }
    assert.deepEqual(told, ["create", "start", "die 5", "destroy"]);
  });

  await t.step("images are found by exact repository, untagged by name, pruned when dangling", async () => {
    for (const tag of ["r.example.com/a/shop:1", "r.example.com/a/shop:2", "r.example.com/a/shop2:1", "shop:1"]) {
      await dockerd.docker("tag", busyboxImage, tag);
    }
    assert.deepEqual((await engine.imagesOf("r.example.com/a/shop", never)).sort(), ["1", "2"]);
    assert.deepEqual(await engine.imagesOf("a/shop", never), []);
    assert.equal(await engine.hasImage("r.example.com/a/shop:1", never), true);
    assert.equal(await engine.hasImage("r.example.com/a/shop:3", never), false);
    await engine.untag("r.example.com/a/shop:1", never);
    await engine.untag("r.example.com/a/shop:1", never);
    assert.deepEqual(await engine.imagesOf("r.example.com/a/shop", never), ["2"]);
    const [image] = await engine.listImages(never);
    assert.deepEqual(image?.repoTags.toSorted(), [
      busyboxImage,
      "r.example.com/a/shop2:1",
      "r.example.com/a/shop:2",
      "shop:1",
    ]);
    assert.ok((image?.size ?? 0) > 1e6);
    assert.equal(image?.containers, -1);

    const id = await create(engine, { name: "writer", script: "echo x > /x" });
    await engine.start(id, never);
    await engine.waitForExit(id, { condition: "not-running", signal: never });
    await dockerd.docker("commit", id, "left:1");
    await engine.untag("left:1", never);
    await dockerd.docker("commit", id);
    assert.equal((await engine.listImages(never)).length, 2);
    await engine.pruneDanglingImages(never);
    assert.equal((await engine.listImages(never)).length, 1);
    await engine.remove(id, { force: true, signal: never });
  });

  await t.step("a login to a registry that refuses connections fails with the engine's message", async () => {
    await assert.rejects(
      engine.checkLogin({ host: "127.0.0.1:9", user: "u", password: "p" }, never),
      (error) => hasCode(error, "engine_failed") && /connection refused/.test(error.message),
    );
  });

  await t.step("a frozen engine runs into the deadline, a stopped engine is engine_unreachable", async () => {
    const impatient = new Engine({ log: silentLog, env: { DOCKER_HOST: dockerd.host }, limits: { pingMs: 200 } });
    await dockerd.freeze();
    try {
      await assert.rejects(impatient.ping(never), (error) => hasCode(error, "timeout"));
    } finally {
      dockerd.thaw();
    }
    await engine.ping(never);
    await dockerd.stop();
    await assert.rejects(engine.listContainers(never), (error) => hasCode(error, "engine_unreachable"));
    await dockerd.start();
    await engine.ping(never);
  });

  await t.step("waits and events end with engine_unreachable when the engine is killed", async () => {
    const id = await create(engine, { name: "widow", script: "sleep 60" });
    await engine.start(id, never);
    const watch = await engine.watchExit(id, { condition: "next-exit", signal: never });
    const isGone = (error: unknown) => hasCode(error, "engine_unreachable");
    const events = assert.rejects(Array.fromAsync(engine.events(never)), isGone);
    const exit = assert.rejects(watch.exitCode(), isGone);
    await engine.ping(never);
    await dockerd.kill();
    await Promise.all([events, exit]);
  });
});
