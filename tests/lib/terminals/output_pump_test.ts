/** What a shell prints, on its way to viewers. */

import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { characterEnd } from "../../../lib/terminals/character_end.ts";
import { Gate } from "../../../lib/terminals/gate.ts";
import { endOfOutput, heldLimitBytes, OutputPump, terminalMessageBytes } from "../../../lib/terminals/output_pump.ts";

/** A shell that prints what it is told, and a router that confirms when it is told. */
class Pumping {
  readonly gate = new Gate();
  readonly sent: string[] = [];
  readonly lost: unknown[] = [];
  readonly answers: PromiseWithResolvers<void>[] = [];
  readonly pump: OutputPump;
  readBytes = 0;
  readonly #chunks: (Uint8Array | undefined)[] = [];
  #next = Promise.withResolvers<void>();

  constructor() {
    this.pump = new OutputPump({
      read: () => this.#read(),
      messageEnd: characterEnd,
      isOpen: () => this.gate.isOpen,
      untilOpen: () => this.gate.wait(),
      publish: (message) => this.#publish(message),
      onLost: (error) => void this.lost.push(error),
      clock: { now: () => 0 },
    });
  }

  print(...chunks: (string | Uint8Array | undefined)[]): void {
    for (const chunk of chunks) {
      this.#chunks.push(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
    }
    this.#next.resolve();
  }

  /** The router confirms everything, and what comes. */
  async confirm(): Promise<void> {
    for (let at = 0; at < 50; at += 1) {
      this.answers.splice(0).forEach((answer) => answer.resolve());
      await settle();
    }
  }

  lose(): void {
    this.gate.close();
    this.answers.splice(0).forEach((answer) => answer.reject(new AgentError("not_connected", "not connected")));
  }

  async #read(): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0) {
      this.#next = Promise.withResolvers();
      await this.#next.promise;
    }
    const chunk = this.#chunks.shift();
    this.readBytes += chunk?.length ?? 0;
    return chunk;
  }

  async #publish(message: Uint8Array | typeof endOfOutput): Promise<void> {
    this.sent.push(message === endOfOutput ? "END" : new TextDecoder().decode(message));
    const answer = Promise.withResolvers<void>();
    this.answers.push(answer);
    await answer.promise;
  }
}

async function settle(): Promise<void> {
  for (let at = 0; at < 50; at += 1) await Promise.resolve();
}

Deno.test("output waits until somebody can receive it, and the end comes once, last", async () => {
  const it = new Pumping();
  const done = Promise.all([it.pump.read(), it.pump.send()]);
  it.print("one ", "two ", undefined);
  await settle();
  assert.deepEqual(it.sent, []);
  it.gate.open();
  await it.confirm();
  assert.deepEqual(it.sent, ["one ", "two ", "END"].length === it.sent.length ? it.sent : ["one two ", "END"]);
  assert.equal(it.sent.join(""), "one two END");
  await done;
});

Deno.test("what is printed while messages are on the way is joined, and characters stay whole", async () => {
  const it = new Pumping();
  it.gate.open();
  const done = Promise.all([it.pump.read(), it.pump.send()]);
  for (const text of ["a", "b"]) {
    it.print(text);
    await settle();
  }
  it.print("e", "f", Uint8Array.of(0xe2, 0x82));
  await settle();
  assert.deepEqual(it.sent, ["a", "b"]);
  await it.confirm();
  it.print(Uint8Array.of(0xac));
  await it.confirm();
  it.print(Uint8Array.of(0xe2), undefined);
  await it.confirm();
  assert.deepEqual(it.sent, ["a", "b", "ef", "€", "\ufffd", "END"]);
  await done;
});

Deno.test("the shell waits when nothing is taken: 256 KiB are held while the link is down", async () => {
  const it = new Pumping();
  const done = Promise.all([it.pump.read(), it.pump.send()]);
  const block = "x".repeat(32 * 1024);
  it.print(...Array.from({ length: 40 }, () => block), undefined);
  await settle();
  assert.ok(it.readBytes <= heldLimitBytes + terminalMessageBytes, `${it.readBytes} bytes were read`);
  it.gate.open();
  it.pump.wake();
  await it.confirm();
  assert.equal(it.sent.join("").length, 40 * block.length + 3);
  assert.ok(it.sent.every((message) => message.length <= terminalMessageBytes));
  await done;
});

Deno.test("messages that were not confirmed when the link was lost are sent again, in order, and no others", async () => {
  const it = new Pumping();
  it.gate.open();
  const done = Promise.all([it.pump.read(), it.pump.send()]);
  for (const text of ["1", "2"]) {
    it.print(text);
    await settle();
  }
  it.answers.shift()?.resolve();
  await settle();
  it.print("3");
  await settle();
  it.lose();
  it.print("4");
  await settle();
  assert.deepEqual(it.sent, ["1", "2", "3"]);
  it.gate.open();
  it.print(undefined);
  await it.confirm();
  assert.deepEqual(it.sent, ["1", "2", "3", "2", "3", "4", "END"]);
  await done;
});

Deno.test("a message that the router refuses is lost, the others are not", async () => {
  const it = new Pumping();
  it.gate.open();
  const done = Promise.all([it.pump.read(), it.pump.send()]);
  it.print("bad");
  await settle();
  it.answers.shift()?.reject(new AgentError("call_failed", "no"));
  it.print("good", undefined);
  await it.confirm();
  assert.deepEqual(it.sent, ["bad", "good", "END"]);
  assert.equal(it.lost.length, 1);
  await done;
});

Deno.test("an output that is discarded ends at once", async () => {
  const it = new Pumping();
  const sending = it.pump.send();
  const reading = it.pump.read();
  it.print("x".repeat(300_000), "more");
  await settle();
  it.pump.discard();
  it.gate.open();
  await it.confirm();
  assert.deepEqual(it.sent, ["END"]);
  await sending;
  it.print(undefined);
  await reading;
});

Deno.test("sending ends when it is given up", async () => {
  const it = new Pumping();
  const sending = it.pump.send();
  const reading = it.pump.read();
  it.print("x", undefined);
  await reading;
  it.gate.giveUp();
  await assert.rejects(sending, { code: "canceled" });
});
