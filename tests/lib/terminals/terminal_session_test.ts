/** One terminal: who sees and uses it, and when it ends. */

import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import type { TerminalSize } from "../../../lib/docker/exec.ts";
import { Reaper } from "../../../lib/terminals/reaper.ts";
import type { Shell } from "../../../lib/terminals/shell.ts";
import { type TerminalKind, TerminalSession } from "../../../lib/terminals/terminal_session.ts";
import { readDeviceSize } from "../../../lib/terminals/window_size.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeWire } from "./fake_wire.ts";

/** A shell that prints what it is told, and remembers what it gets. */
class PrintingShell implements Shell {
  readonly typed: string[] = [];
  readonly sizes: TerminalSize[] = [];
  ends = 0;
  readonly #output: (Uint8Array | undefined)[] = [];
  #next = Promise.withResolvers<void>();

  print(text: string | undefined): void {
    this.#output.push(text === undefined ? undefined : new TextEncoder().encode(text));
    this.#next.resolve();
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#output.length === 0) {
      this.#next = Promise.withResolvers();
      await this.#next.promise;
    }
    return this.#output.shift();
  }

  write(bytes: Uint8Array): Promise<void> {
    this.typed.push(new TextDecoder().decode(bytes));
    return Promise.resolve();
  }

  resize(size: TerminalSize): Promise<void> {
    this.sizes.push(size);
    return Promise.resolve();
  }

  end(): Promise<void> {
    this.ends += 1;
    this.print(undefined);
    return Promise.resolve();
  }
}

const kind: TerminalKind = {
  name: "device",
  encode: (bytes) => new TextDecoder().decode(bytes),
  messageEnd: (bytes) => bytes.length,
  readSize: readDeviceSize,
  endedText: "the terminal session has ended",
  unwatchedMs: 600_000,
};

const topics = { sessionID: "s", dataTopic: "data", writeTopic: "write", resizeTopic: "resize" };

function open({ owner = "77" } = {}) {
  const clock = new FakeClock();
  const wire = new FakeWire();
  const shell = new PrintingShell();
  const deps = {
    wire,
    callerOf: ({ callerAuthid }: { callerAuthid: string | undefined }) => callerAuthid,
    match: () => new Promise<number[]>((resolve) => resolve(wire.watchers)),
    lastTrafficAt: () => clock.now(),
    clock,
    log: silentLog,
  };
  const session = new TerminalSession({ kind, topics, owner, shell }, deps);
  return { clock, wire, shell, session, connection: new AbortController() };
}

async function settle(): Promise<void> {
  for (let at = 0; at < 5; at += 1) await new Promise((resolve) => setTimeout(resolve, 0));
}

function resize(wire: FakeWire, callerAuthid: string | undefined, args: unknown[]): Promise<unknown> {
  const handler = wire.procedures.get("resize");
  assert.ok(handler !== undefined);
  const signal = new AbortController().signal;
  return handler({ procedure: "resize", args, kwargs: {}, callerAuthid, callerAuthrole: undefined, signal });
}

Deno.test("output is for the owner and the backend, input is from them", async () => {
  const { wire, shell, session, connection } = open();
  await session.attach(connection.signal);
  session.start();
  shell.print("hello");
  await settle();
  assert.deepEqual(wire.published, [{
    text: "hello",
    options: {
      acknowledge: true,
      eligibleAuthids: ["77", "system"],
      kwargs: { __bridge_eligible_authid__: ["77"] },
    },
  }]);
  wire.type("a", "77");
  wire.type("b", "78");
  wire.type("c", "system");
  wire.type("d");
  for (const value of [undefined, null, 7, {}]) wire.type(value, "77");
  await settle();
  assert.deepEqual(shell.typed, ["a", "c", "d"]);
  const size = [{ height: 10, width: 20 }];
  const denied = { code: "denied", message: "insufficient privileges to use this terminal session" };
  for (const caller of ["78", undefined, "unnamed-account"]) await assert.rejects(resize(wire, caller, size), denied);
  await resize(wire, "77", size);
  await resize(wire, "system", [{ height: 0, width: 20 }]);
  assert.deepEqual(shell.sizes, [{ rows: 10, columns: 20 }]);
  await session.end("stopped");
  await settle();
});

Deno.test("a terminal of the backend is for the backend alone", async () => {
  const { wire, shell, session, connection } = open({ owner: "system" });
  await session.attach(connection.signal);
  session.start();
  shell.print("x");
  await settle();
  assert.deepEqual(wire.published[0]?.options, { acknowledge: true, eligibleAuthids: ["system"] });
  await session.end("stopped");
  await settle();
});

Deno.test("output waits until somebody is subscribed, a minute at most", async () => {
  for (const arrives of [true, false]) {
    const { clock, wire, shell, session, connection } = open();
    wire.watchers = [];
    await session.attach(connection.signal);
    session.start();
    shell.print("prompt");
    await settle();
    await clock.advance(30_000);
    await settle();
    assert.equal(wire.shown, "");
    if (arrives) wire.watchers = [5];
    await clock.advance(arrives ? 1_000 : 31_000);
    await settle();
    assert.equal(wire.shown, "prompt");
    await session.end("stopped");
    await settle();
    assert.equal(wire.shown, "prompt|TERMINAL_EOF");
  }
});

Deno.test("the end is reported once, whatever ends it, and its topics go", async () => {
  const { wire, shell, session, connection } = open();
  await session.attach(connection.signal);
  session.start();
  shell.print("bye");
  shell.print(undefined);
  await settle();
  await Promise.all([session.end("stopped"), session.end("nobody watches")]);
  assert.equal(wire.shown, "bye|TERMINAL_EOF");
  assert.equal(shell.ends, 1);
  assert.deepEqual([wire.handlers.size, wire.procedures.size], [0, 0]);
});

Deno.test("on the next connection its topics are there again, and what was printed meanwhile follows", async () => {
  const { wire, shell, session, connection } = open();
  await session.attach(connection.signal);
  await session.attach(connection.signal);
  session.start();
  shell.print("one");
  await settle();
  wire.isConnected = false;
  wire.handlers.clear();
  wire.procedures.clear();
  connection.abort();
  shell.print("two");
  shell.print("three");
  await settle();
  assert.equal(wire.shown, "one");
  wire.isConnected = true;
  await session.attach(new AbortController().signal);
  await settle();
  assert.equal(wire.published.map(({ text }) => text).join(""), "onetwothree");
  wire.type("x", "77");
  await settle();
  assert.deepEqual(shell.typed, ["x"]);
  shell.print(undefined);
  await settle();
  assert.equal(wire.published.at(-1)?.text, "TERMINAL_EOF");
  assert.deepEqual([wire.handlers.size, wire.procedures.size], [0, 0]);
});

Deno.test("the last output of a shell that ends without a connection follows on the next", async () => {
  const { wire, shell, session, connection } = open();
  await session.attach(connection.signal);
  session.start();
  await settle();
  wire.isConnected = false;
  connection.abort();
  shell.print("last words");
  shell.print(undefined);
  await settle();
  assert.equal(session.isEnded, true);
  wire.isConnected = true;
  await session.attach(new AbortController().signal);
  await settle();
  assert.equal(wire.shown, "last words|TERMINAL_EOF");
  await session.end("stopped");
});

const watched: [name: string, ids: () => number[], endsAfterMs: number | undefined][] = [
  ["nobody watches for ten minutes", () => [], 600_000],
  ["somebody watches", () => [1], undefined],
  ["the router does not say", () => {
    throw new Error("not authorized");
  }, undefined],
];

for (const [name, ids, endsAfterMs] of watched) {
  Deno.test(`the reaper ${endsAfterMs === undefined ? "leaves" : "ends"} a terminal when ${name}`, async () => {
    const { clock, wire, session, connection } = open();
    const life = new AbortController();
    const reaper = new Reaper({ clock, log: silentLog, life: life.signal });
    reaper.watch(session, { limitMs: 600_000 });
    await session.attach(connection.signal);
    session.start();
    await settle();
    Object.defineProperty(wire, "watchers", { get: ids });
    for (let at = 0; at < 25; at += 1) {
      assert.equal(session.isEnded, clock.now() >= (endsAfterMs ?? Infinity), `after ${clock.now()} ms`);
      await clock.advance(30_000);
      await settle();
    }
    life.abort();
    await session.end("stopped");
    await settle();
  });
}
