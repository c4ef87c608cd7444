import assert from "node:assert/strict";
import { isDict, parseJson } from "../../../../lib/base/json.ts";
import { AgentError } from "../../../../lib/base/errors.ts";
import { readServerFile } from "../../../../scripts/studio/command_line/server_file.ts";
import { openSession } from "../../../../scripts/studio/open_session.ts";
import { StudioProcess } from "./studio_process.ts";

Deno.test("without a Studio every command says how to start one", async () => {
  await using studio = await StudioProcess.prepare();
  const commands = ["device list", "device add x", "state x", "app run x y", "app push x 1 --image y", "call x y"];
  for (const command of commands) {
    const ended = await studio.run(...command.split(" "));
    assert.equal(ended.code, 1, command);
    assert.match(ended.errors, /^No Studio runs on the folder .*; start one with: deno task studio serve\n$/);
    assert.equal(ended.output, "");
  }
});

Deno.test("help is printed to the output, an invalid command to the errors with exit code 2", async () => {
  await using studio = await StudioProcess.prepare();
  const help = await studio.run("--help");
  assert.equal(help.code, 0);
  assert.match(help.output, /app run <device> <app> \[--version V\]/);
  const table: [args: string[], text: RegExp][] = [
    [[], /Usage: deno task studio/],
    [["fly"], /There is no command "fly"/],
    [["app", "run", "x"], /An argument is missing\nUsage: app run/],
    [["call", "x", "y", "{"], /The arguments must be JSON/],
    [["call", "x", "y", "--kwargs", "[]"], /--kwargs must be a JSON object/],
    [["app", "push", "x", "1"], /Give one of --image, --context and --compose/],
    [["serve", "--port", "high"], /--port must be a whole number/],
  ];
  for (const [args, text] of table) {
    const ended = await studio.run(...args);
    assert.equal(ended.code, 2, args.join(" "));
    assert.match(ended.errors, text);
    assert.equal(ended.output, "");
  }
});

Deno.test("the command line adds and calls a device, runs an app on it and shows its state", async () => {
  await using studio = await StudioProcess.prepare();
  await studio.serve();
  const added = await studio.run("device", "add", "edge-1", "--serial", "SN-1");
  assert.equal(added.output, "edge-1.flock\n", added.errors);
  const flock = parseJson(await Deno.readTextFile(`${studio.folder}/edge-1.flock`));
  assert.equal(((await Deno.stat(`${studio.folder}/edge-1.flock`)).mode ?? 0) & 0o777, 0o600);
  assert.equal(isDict(flock) && flock.serial_number, "SN-1");
  await using device = await studio.joinAs(flock);
  await device.answer("echo", (call) => ({ args: call.args, kwargs: { ...call.kwargs, by: call.callerAuthid } }));

  const called = await studio.run("call", "edge-1", "echo", '["a", 1]', "--kwargs", '{"k": true}');
  assert.deepEqual(parseJson(called.output), { args: ["a", 1], kwargs: { k: true, by: "system" } });
  const asOwner = await studio.run("call", "edge-1", "echo", '{"a": 1}', "--as", "1");
  assert.deepEqual(parseJson(asOwner.output), { args: [{ a: 1 }], kwargs: { by: "1" } });
  assert.equal((await studio.run("account", "add", "bob")).output, "2\n");
  assert.match((await studio.run("call", "edge-1", "echo", "--as", "2")).errors, /not authorized/);
  await studio.run("account", "allow", "2", "edge-1", "READ");
  assert.equal((await studio.run("call", "edge-1", "echo", "--as", "2")).code, 0);
  await device.answer("fail", () => {
    throw new AgentError("denied", "insufficient privileges to prune images");
  });
  assert.deepEqual(await studio.run("call", "edge-1", "fail"), {
    code: 1,
    output: "",
    errors: "insufficient privileges to prune images\n",
  });

  assert.match((await studio.run("app", "run", "edge-1", "shop")).errors, /There is no app "shop"/);
  await studio.addRelease("shop", "1.0.0");
  await device.answer("request_app_state", async ({ kwargs }) => {
    const isRun = kwargs.target_state === "RUNNING";
    for (const state of isRun ? ["DOWNLOADING", "RUNNING"] : ["STOPPING", "FAILED"]) await device.report(state);
    return {};
  });
  const run = await studio.run("app", "run", "edge-1", "shop", "--env", "A=b", "--port", "80");
  assert.equal(run.code, 0, run.errors);
  assert.match(run.output, /^\d\d:\d\d:\d\d shop DOWNLOADING release 1\n\d\d:\d\d:\d\d shop RUNNING release 1\n$/);
  const stop = await studio.run("app", "stop", "edge-1", "shop");
  assert.deepEqual([stop.code, stop.errors], [1, "shop: the device reports FAILED and retries by itself\n"]);
  const state = (await studio.run("state", "edge-1")).output.split("\n");
  assert.equal(state[0], "edge-1 (SN-1) is DISCONNECTED");
  assert.match(state[2] ?? "", /^shop +PROD +FAILED +PRESENT +1\.0\.0 +1\.0\.0 +80:http$/);

  await device.answer("get_app_log_history", ({ args }) => ({ args: [["line one", JSON.stringify(args)]] }));
  const logs = await studio.run("logs", "edge-1", "shop");
  assert.equal(logs.output, 'line one\n[{"containerName":"prod_1_shop"}]\n');
  await device.answer("query_app_logs", ({ args }) => ({
    args: [{ lines: ["a pump stops", "a fan stops", JSON.stringify(args[0])], source: "docker", truncated: true }],
  }));
  const part = await studio.run("logs", "edge-1", "shop", "--since", "1h", "--grep", "pump|since");
  assert.equal(
    part.output,
    'a pump stops\n{"since":"1h","tail":5000,"containerName":"prod_1_shop"}\n',
  );
  assert.equal(part.errors, "Older lines are left out: name a shorter time\n");
  await device.answer("query_device_logs", ({ args }) => ({ args: [{ lines: [JSON.stringify(args[0])] }] }));
  const own = await studio.run("logs", "edge-1", "--level", "warn", "--tail", "3");
  assert.equal(own.output, '{"level":"warn","tail":3}\n');
  assert.match((await studio.run("logs", "edge-1", "shop", "--grep", "(")).errors, /^--grep must be a regular expr/);
});

Deno.test("app push --compose adds a release that is a compose file, and needs no registry", async () => {
  await using studio = await StudioProcess.prepare();
  await studio.serve();
  await studio.run("device", "add", "edge-1");
  await Deno.writeTextFile(`${studio.folder}/shop.yml`, "services:\n  web:\n    image: nginx:1\n");
  const pushed = await studio.run("app", "push", "shop", "1.0.0", "--compose", "shop.yml");
  assert.equal(pushed.output, "shop 1.0.0 is release 1\n", pushed.errors);
  await using device = await studio.joinAs(parseJson(await Deno.readTextFile(`${studio.folder}/edge-1.flock`)));
  let definition: unknown;
  await device.answer("request_app_state", ({ kwargs }) => {
    definition = kwargs.docker_compose;
    return {};
  });
  await studio.run("app", "run", "edge-1", "shop", "--wait", "0");
  assert.deepEqual(definition, { services: { web: { image: "nginx:1" } } });
  const wrong = await studio.run("app", "push", "shop", "1.0.1", "--compose", "missing.yml");
  assert.match(wrong.errors, /^Cannot read the compose file "missing.yml"/);
});

Deno.test("dev upload sends a folder, dev build prints the log of the build and waits for its end", async () => {
  await using studio = await StudioProcess.prepare();
  await studio.serve();
  await studio.run("device", "add", "edge-1", "--serial", "SN-1");
  await using device = await studio.joinAs(parseJson(await Deno.readTextFile(`${studio.folder}/edge-1.flock`)));
  const parts: unknown[][] = [];
  await device.answer("write_data", ({ args }) => {
    parts.push([...args]);
    return {};
  });
  await Deno.mkdir(`${studio.folder}/fan`);
  await Deno.writeTextFile(`${studio.folder}/fan/Dockerfile`, "FROM scratch\n");
  const sent = await studio.run("dev", "upload", "edge-1", "Fan", "fan");
  assert.match(sent.output, /^100 % of \d+ bytes\n$/, sent.errors);
  assert.deepEqual(parts.map(([chunk]) => String(chunk).slice(0, 6)), ["BEGIN", "1f8b08", "END"]);
  assert.deepEqual(parts[0]?.slice(1, 3), ["Fan.tgz", "dev_1_fan"]);
  assert.equal(String(parts[1]?.[0]).length / 2, parts[1]?.[3]);

  let outcome = ["REMOVED", "BUILDING", "BUILT", "PRESENT"];
  await device.answer("request_app_state", async ({ kwargs }) => {
    assert.deepEqual([kwargs.stage, kwargs.target_state], ["DEV", "BUILT"]);
    await device.session.publish("reswarm.logs.SN-1.dev_1_fan", ["Step 1/1 : FROM scratch"]);
    for (const state of outcome) await device.report(state, "DEV");
    return {};
  });
  const built = await studio.run("dev", "build", "edge-1", "Fan");
  assert.equal(built.code, 0, built.errors);
  assert.match(built.output, /^Step 1\/1 : FROM scratch$/m);
  outcome = ["BUILDING", "FAILED"];
  const failed = await studio.run("dev", "build", "edge-1", "Fan");
  assert.deepEqual([failed.code, failed.errors], [1, "Fan: the device reports FAILED\n"]);
});

Deno.test("app run says that the device is not connected, and gives up in time", async () => {
  await using studio = await StudioProcess.prepare();
  await studio.serve();
  await studio.run("device", "add", "edge-1");
  await studio.addRelease("shop", "1");
  const ended = await studio.run("app", "run", "edge-1", "shop", "--wait", "1");
  assert.equal(ended.code, 1);
  const away = "edge-1 is not connected; the request is sent when it connects";
  assert.equal(ended.errors, `${away}\nshop is not RUNNING after 1 s\n`);
  assert.equal((await studio.run("app", "stop", "edge-1", "shop", "--wait", "0")).code, 0);
});

Deno.test("only one Studio runs on a folder, and a device cannot control it", async () => {
  await using studio = await StudioProcess.prepare();
  await studio.serve();
  const second = await studio.run("serve", "--port", "0");
  assert.equal(second.code, 1);
  assert.match(second.errors, /A Studio is already running on the folder ".*"/);
  await studio.run("device", "add", "edge-1");
  await using device = await studio.joinAs(parseJson(await Deno.readTextFile(`${studio.folder}/edge-1.flock`)));
  await assert.rejects(device.session.call("studio.list_devices"), { uri: "wamp.error.not_authorized" });
  const login = await readServerFile(studio.folder);
  assert.ok(login);
  const session = await openSession(login);
  assert.equal((await session.call("studio.list_devices")).args.length, 1);
  await session.close();
  assert.equal(await studio.stop(), 0);
  assert.equal(await readServerFile(studio.folder), undefined);
});
