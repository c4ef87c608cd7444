// box bus
/** The agent's connection to a real D-Bus daemon: calls, values, signals, names, and what happens without one. */

import assert from "node:assert/strict";
import { systemClock } from "../../../lib/async/clock.ts";
import { hasCode } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { isBusRefusal, isMethodMissing, isServiceMissing } from "../../../lib/dbus/bus_errors.ts";
import { type BusValue, busVariant, readBusDict, readBusText } from "../../../lib/dbus/bus_values.ts";
import type { BusSignal } from "../../../lib/dbus/bus_session.ts";
import { SystemBus } from "../../../lib/dbus/system_bus.ts";
import { killProcess } from "../../../scripts/testbed/background.ts";
import { MessageBus } from "../../../scripts/testbed/message_bus.ts";
import { startEcho } from "../../../scripts/testbed/bus_echo.ts";
import { pollUntil, sleep } from "../../../scripts/testbed/wait.ts";

const never = new AbortController().signal;
const echo = { destination: "test.Echo", path: "/test/Echo", interface: "test.Echo" };

function open(address: string): SystemBus {
  return new SystemBus({ address, clock: systemClock, log: silentLog });
}

Deno.test("a bus that is not there is an error of each call, and one that comes is used", async () => {
  await using daemon = await MessageBus.start();
  await daemon.stop();
  await using bus = open(daemon.address);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await assert.rejects(() => bus.nameHasOwner("test.Echo", never), (error) => {
      return hasCode(error, "bus_unreachable") && error.message.startsWith("Cannot reach the system bus: ");
    });
  }
  await daemon.start();
  assert.equal(await bus.nameHasOwner("test.Echo", never), false);
});

Deno.test("values keep their types on the way to a program and back", async () => {
  await using daemon = await MessageBus.start();
  await using service = await startEcho(daemon.address);
  await using bus = open(daemon.address);
  const rows: [signature: string, value: BusValue][] = [
    ["s", "grüße 😀"],
    ["x", -9_223_372_036_854_775_808n],
    ["t", 18_446_744_073_709_551_615n],
    ["u", 4_294_967_295],
    ["d", 0.5],
    ["b", true],
    ["ay", new Uint8Array([0, 255, 128])],
    ["a{sv}", new Map([["__proto__", busVariant("i", 1)], ["a", busVariant("aa{sv}", [new Map()])]])],
    ["a{ss}", new Map([["constructor", "x"]])],
    ["(sau)", ["a", [1, 2]]],
    ["v", busVariant("v", busVariant("as", ["a", "b"]))],
    ["as", []],
  ];
  for (const [signature, value] of rows) {
    const method = { ...echo, member: "Echo", signature: "v", args: [busVariant(signature, value)] };
    const [answer] = await bus.call(method, never);
    assert.deepEqual(answer, busVariant(signature, value), signature);
  }
  assert.ok(service.pid > 0);
});

Deno.test("what a program refuses is told with its name and text", async () => {
  await using daemon = await MessageBus.start();
  await using _service = await startEcho(daemon.address);
  await using bus = open(daemon.address);
  const call = (member: string, destination = echo.destination) => bus.call({ ...echo, destination, member }, never);
  await assert.rejects(() => call("Fail"), (error) => {
    return isBusRefusal(error, "test.Error.Broken") && error.text === "it is broken" && hasCode(error, "bus_refused");
  });
  await assert.rejects(() => call("Nothing"), isMethodMissing);
  await assert.rejects(() => call("Echo", "test.Nobody"), isServiceMissing);
  const wrong = { ...echo, member: "Echo", signature: "u", args: ["text"] };
  await assert.rejects(() => bus.call(wrong, never), (error) => hasCode(error, "bad_request"));
  const slow = { ...echo, member: "Sleep", limitMs: 100 };
  await assert.rejects(() => bus.call(slow, never), (error) => hasCode(error, "timeout"));
  await assert.rejects(() => bus.call({ ...echo, member: "Sleep" }, AbortSignal.timeout(50)), (error) => {
    return hasCode(error, "canceled");
  });
  assert.equal(
    (await bus.call({ ...echo, member: "Echo", signature: "v", args: [busVariant("s", "on")] }, never)).length,
    1,
  );
  const properties = await bus.properties(echo, never);
  assert.equal(readBusText(readBusDict(properties, "it").get("Version"), "the version"), "1");
  assert.equal(await bus.property({ ...echo, name: "Version" }, never), "1");
});

Deno.test("signals come from the owner of the name only, and again after program and bus were restarted", async () => {
  await using daemon = await MessageBus.start();
  await using bus = open(daemon.address);
  const owned: boolean[] = [];
  const signals: BusSignal[] = [];
  await using _watch = await bus.watchName("test.Echo", (hasOwner) => owned.push(hasOwner));
  await using _signals = await bus.subscribe(
    { sender: "test.Echo", interface: "test.Echo", member: "Beep" },
    (signal) => signals.push(signal),
  );
  const beep = async (destination: string) => {
    await bus.call({ ...echo, destination, member: "Emit", signature: "s", args: [destination] }, never);
    await sleep(50);
  };
  let service = await startEcho(daemon.address);
  await using other = await startEcho(daemon.address, "test.Other");
  assert.ok(other.pid > 0);
  await pollUntil("the name is owned", () => Promise.resolve(owned.length === 1 || undefined));
  await beep("test.Other");
  await beep("test.Echo");
  assert.deepEqual(signals.map(({ args }) => args), [["test.Echo"]]);
  await killProcess(service.pid);
  service = await startEcho(daemon.address);
  await pollUntil("the name is owned again", () => Promise.resolve(owned.length === 3 || undefined));
  await beep("test.Echo");
  assert.equal(signals.length, 2);
  await daemon.stop();
  await pollUntil("the loss is told", () => Promise.resolve(owned.at(-1) === false || undefined));
  await daemon.start();
  await killProcess(service.pid);
  service = await startEcho(daemon.address);
  await pollUntil("the name is owned on the new bus", () => Promise.resolve(owned.at(-1) || undefined));
  await beep("test.Echo");
  assert.equal(signals.length, 3);
  assert.deepEqual(owned, [true, false, true, false, true]);
  await killProcess(service.pid);
});

Deno.test("a bus that accepts and says nothing, or nonsense, ends the call and nothing else", async () => {
  const folder = await Deno.makeTempDir();
  for (const answer of ["", "REJECTED\r\n", "nonsense", "OK 1\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]) {
    const path = `${folder}/silent.sock`;
    using listener = Deno.listen({ transport: "unix", path });
    const serving = (async () => {
      using connection = await listener.accept();
      await connection.read(new Uint8Array(100));
      if (answer !== "") await connection.write(new TextEncoder().encode(answer)).catch(() => {});
      while (await connection.read(new Uint8Array(1_000)).catch(() => null) !== null);
    })();
    await using bus = open(`unix:path=${path}`);
    await assert.rejects(
      () => bus.nameHasOwner("a.b", AbortSignal.timeout(300)),
      (error) => hasCode(error, "bus_unreachable", "canceled", "timeout"),
    );
    await bus[Symbol.asyncDispose]();
    await serving;
    await Deno.remove(path);
  }
  await Deno.remove(folder);
});
