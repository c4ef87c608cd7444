import assert from "node:assert/strict";
import { singleFlight } from "../../../lib/async/single_flight.ts";

interface Asked {
  signal: AbortSignal;
  resolve(value: string): void;
  reject(error: unknown): void;
}

/** A shared read whose answers come when the test says so. */
function createReads(
  options?: { atOnce: number },
): { asked: Asked[]; read: (signal?: AbortSignal) => Promise<string> } {
  const asked: Asked[] = [];
  const read = singleFlight<string>((signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    asked.push({ signal, resolve, reject });
    return promise;
  }, options);
  return { asked, read: (signal = new AbortController().signal) => read(signal) };
}

/** Lets everything run that only waits for promises. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("singleFlight() reads once for all calls before the read begins, and once more for all later ones", async () => {
  const { asked, read } = createReads();
  const early = [read(), read()];
  await settle();
  const late = Array.from({ length: 2_000 }, () => read());
  await settle();
  assert.equal(asked.length, 1);
  asked[0]?.resolve("first");
  assert.deepEqual(await Promise.all(early), ["first", "first"]);
  await settle();
  assert.equal(asked.length, 2);
  asked[1]?.resolve("second");
  assert.deepEqual(new Set(await Promise.all(late)), new Set(["second"]));
});

Deno.test("singleFlight() rejects for all who share a failed read, and reads again for the next", async () => {
  const { asked, read } = createReads();
  const answers = [read(), read()];
  await settle();
  const next = read();
  asked[0]?.reject(new Error("no engine"));
  for (const answer of answers) await assert.rejects(answer, { message: "no engine" });
  await settle();
  asked[1]?.resolve("well");
  assert.equal(await next, "well");
});

Deno.test("singleFlight() goes on while one caller still waits, and aborts the read when none does", async () => {
  const { asked, read } = createReads();
  const [first, second] = [new AbortController(), new AbortController()];
  const answers = [read(first.signal), read(second.signal)];
  await settle();
  first.abort();
  await assert.rejects(answers[0] ?? Promise.resolve(), { code: "canceled" });
  assert.equal(asked[0]?.signal.aborted, false);
  second.abort();
  await assert.rejects(answers[1] ?? Promise.resolve(), { code: "canceled" });
  assert.equal(asked[0]?.signal.aborted, true);
  asked[0]?.reject(new Error("aborted"));
});

Deno.test("singleFlight() begins another read for a call after all who waited for the next one have gone", async () => {
  const { asked, read } = createReads();
  const running = read();
  await settle();
  const gone = new AbortController();
  const left = read(gone.signal);
  gone.abort();
  await assert.rejects(left, { code: "canceled" });
  const stays = read();
  asked[0]?.resolve("first");
  assert.equal(await running, "first");
  await settle();
  asked.at(-1)?.resolve("last");
  assert.equal(await stays, "last");
  assert.equal(asked.length, 2);
  await assert.rejects(read(AbortSignal.abort()), { code: "canceled" });
});

Deno.test("lists: singleFlight() with several reads at once lets a call pass one that is slow, and shares beyond that", async () => {
  const { asked, read } = createReads({ atOnce: 2 });
  const slow = read();
  await settle();
  const quick = read();
  await settle();
  asked[1]?.resolve("quick");
  assert.equal(await quick, "quick");
  const second = read();
  await settle();
  const late = Array.from({ length: 100 }, () => read());
  await settle();
  assert.equal(asked.length, 3, "no more than two at once");
  asked[2]?.resolve("second");
  assert.equal(await second, "second");
  await settle();
  assert.equal(asked.length, 4);
  asked[3]?.resolve("late");
  assert.deepEqual(new Set(await Promise.all(late)), new Set(["late"]));
  asked[0]?.resolve("slow");
  assert.equal(await slow, "slow");
});
