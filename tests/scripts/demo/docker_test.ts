// box engine
import assert from "node:assert/strict";
import { Docker } from "../../../scripts/demo/docker.ts";
import { busyboxImage, Dockerd } from "../../../scripts/testbed/dockerd.ts";

Deno.test("the demo's docker command", async (test) => {
  await using engine = await Dockerd.start();
  const docker = new Docker(engine.host);
  const folder = await Deno.makeTempDir();
  const { signal: stop } = new AbortController();

  await test.step("copyFromImage() copies a file from an existing image and keeps the image", async () => {
    const target = `${folder}/busybox`;
    await docker.copyFromImage(busyboxImage, "/bin/busybox", { target, stop });
    assert.deepEqual(await Deno.readFile(target), await Deno.readFile("/bin/busybox"));
    assert.equal(await engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}"), busyboxImage);
    assert.equal(await engine.docker("ps", "--all", "--quiet"), "");
  });

  await test.step("copyFromImage() throws when the image cannot be pulled", async () => {
    const options = { target: `${folder}/x`, stop };
    await assert.rejects(docker.copyFromImage("127.0.0.1:1/x:1", "/x", options), { code: "command_failed" });
  });

  await test.step("run() names the failed command without addresses and logins", async () => {
    await assert.rejects(
      docker.run(["rm", "missing"]),
      /^AgentError: Cannot run "docker rm missing": .*No such container/,
    );
  });

  await test.step("sweep() removes what the engine has of the demo and nothing else", async () => {
    const run = (name: string) => engine.docker("run", "--detach", "--name", name, busyboxImage, "sleep", "1000");
    const own = ["prod_1_reagent-demo", "dev_1_reagent-demo", "prod_1_reagent-demo_compose-web-1"];
    await Promise.all([...own, "prod_7_shop", "reagent-demo"].map(run));
    for (const name of ["prod_amd64_1_reagent-demo:1.0.0", "dev_amd64_1_reagent-demo:latest"]) {
      await engine.docker("tag", busyboxImage, `127.0.0.1:5/apps/${name}`);
    }
    for (const name of ["prod_1_reagent-demo_compose_default", "foreign"]) {
      await engine.docker("network", "create", name);
    }
    await engine.docker("volume", "create", "prod_1_reagent-demo_compose_state");
    assert.equal(await docker.sweep(), 7);
    assert.equal(await docker.sweep(), 0);
    assert.match(await engine.docker("network", "ls", "--format", "{{.Name}}"), /^foreign$/m);
    const left = (await engine.docker("ps", "--format", "{{.Names}}")).split("\n").sort();
    assert.deepEqual(left, ["prod_7_shop", "reagent-demo"]);
    assert.equal(await engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}"), busyboxImage);
  });

  await test.step("readInfo() and listForeignContainers() tell whether others use the engine", async () => {
    await engine.docker("run", "--detach", "--label", "real=True", "--name", "dev_1_x", busyboxImage, "sleep", "1000");
    const { machine, isRootless } = await docker.readInfo();
    assert.deepEqual({ machine, isRootless }, { machine: Deno.hostname(), isRootless: false });
    assert.deepEqual(await docker.listForeignContainers(), ["dev_1_x"]);
  });
  await Deno.remove(folder, { recursive: true });
});
