import assert from "node:assert/strict";
import { isThere, makeWorld, modeOf, rule, variables } from "./data_folder_fixture.ts";

Deno.test("M33: refreshPorts() creates no folder when there is nothing to write", async () => {
  await using world = await makeWorld();
  await world.app.refreshPorts([]);
  await world.app.refreshPorts([rule()]);
  assert.ok(!await isThere(world.appsDir));
});

Deno.test("refreshPorts() writes the ports under all their names, readable by everybody", async () => {
  await using world = await makeWorld();
  const ports = [
    rule({ remotePort: 9000, cloudRemotePort: 9001, remotePortEnvironment: "MODBUS" }),
    rule({ port: 80, protocol: "http" }),
    rule({ port: 81, localIp: "10.0.0.9", remotePort: 9002 }),
  ];
  await world.app.refreshPorts(ports);
  assert.deepEqual(await world.files(), {
    "MODBUS.txt": "9000",
    "MODBUS_CLOUD.txt": "9001",
    "REMOTE_PORT_FOR_502.txt": "9000",
    "REMOTE_PORT_FOR_502_CLOUD.txt": "9001",
    "REMOTE_PORT_FOR_81.txt": "9002",
  });
  assert.equal(await modeOf(`${world.env}/MODBUS.txt`), "644");
  assert.deepEqual([await modeOf(world.app.path), await modeOf(world.env)], ["777", "755"]);
});

Deno.test("M33: refreshPorts() removes the file of a cloud port that is gone, and keeps that of a remote port", async () => {
  await using world = await makeWorld();
  await world.app.refreshPorts([rule({ remotePort: 9000, cloudRemotePort: 9001, remotePortEnvironment: "MODBUS" })]);
  await world.app.refreshPorts([rule({ remotePortEnvironment: "MODBUS" })]);
  assert.deepEqual(await world.files(), { "MODBUS.txt": "9000", "REMOTE_PORT_FOR_502.txt": "9000" });
});

Deno.test("refreshPorts() does not let a rule without a port remove the file of a rule of the same name", async () => {
  await using world = await makeWorld();
  const ports = [rule({ cloudRemotePort: 9001 }), rule({ protocol: "udp" })];
  for (const order of [ports, ports.toReversed()]) {
    await world.app.refreshPorts(order);
    assert.deepEqual(await world.files(), { "REMOTE_PORT_FOR_502_CLOUD.txt": "9001" });
  }
});

Deno.test("refreshPorts() skips names that are reserved or lead out of the folder", async () => {
  await using world = await makeWorld();
  await world.app.writeEnv(variables({ APP_AUTH_SECRET: "s" }));
  const names = ["APP_AUTH_SECRET", "../evil", "A=B"];
  await world.app.refreshPorts(names.map((name) => rule({ remotePort: 9000, remotePortEnvironment: name })));
  await world.app.refreshPorts([rule({ remotePort: 9000, cloudRemotePort: 1, remotePortEnvironment: "../evil" })]);
  await Deno.writeTextFile(`${world.app.path}/data_CLOUD.txt`, "mine");
  await world.app.refreshPorts([rule({ port: 503, remotePortEnvironment: "../data" })]);
  assert.deepEqual(await world.files(), {
    "APP_AUTH_SECRET.txt": "s",
    "REMOTE_PORT_FOR_502.txt": "9000",
    "REMOTE_PORT_FOR_502_CLOUD.txt": "1",
  });
  assert.ok(!await isThere(`${world.app.path}/evil.txt`));
  assert.equal(await Deno.readTextFile(`${world.app.path}/data_CLOUD.txt`), "mine");
});

Deno.test("writeEnv() keeps the remote ports of rules as they are, and removes those of rules that are gone", async () => {
  await using world = await makeWorld();
  const rules = [rule({ remotePort: 9000, cloudRemotePort: 9001, remotePortEnvironment: "MODBUS" })];
  await world.app.refreshPorts(rules);
  const { ino } = await Deno.stat(`${world.env}/MODBUS_CLOUD.txt`);
  const known = variables({ A: "1", REMOTE_PORT_FOR_502_CLOUD: "9001", MODBUS_CLOUD: "9001" });
  await world.app.writeEnv(known, rules);
  assert.deepEqual(Object.keys(await world.files()), [
    "A.txt",
    "MODBUS.txt",
    "MODBUS_CLOUD.txt",
    "REMOTE_PORT_FOR_502.txt",
    "REMOTE_PORT_FOR_502_CLOUD.txt",
  ]);
  assert.equal((await Deno.stat(`${world.env}/MODBUS_CLOUD.txt`)).ino, ino);
  assert.equal(await modeOf(`${world.env}/A.txt`), "644");
  await world.app.writeEnv(variables({ A: "1" }), [rule({ port: 503 })]);
  assert.deepEqual(await world.files(), { "A.txt": "1" });
});

Deno.test("writeEnv() writes a secret, even when a rule claims its name", async () => {
  await using world = await makeWorld();
  await world.app.writeEnv(variables({ APP_AUTH_SECRET: "s" }), [rule({ remotePortEnvironment: "APP_AUTH_SECRET" })]);
  assert.equal(await modeOf(`${world.env}/APP_AUTH_SECRET.txt`), "644");
});
