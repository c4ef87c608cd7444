import assert from "node:assert/strict";
import { cpuUsage } from "node:process";
import type { Engine } from "../../../lib/docker/engine.ts";
import { answerWith, chunkedHead, ScriptedEngine, untilClosed, write } from "../../fakes/fake_engine_server.ts";

const never = new AbortController().signal;

/** Processor time of this process for ten calls, in milliseconds. */
async function costOfCalls(client: Engine): Promise<number> {
  const before = cpuUsage();
  for (let call = 0; call < 10; call += 1) assert.deepEqual(await client.listContainersRaw(never), []);
  const { user, system } = cpuUsage(before);
  return (user + system) / 1_000;
}

Deno.test("a call costs no more processor time while many answers are followed", async () => {
  await using engine = new ScriptedEngine(async (connection, head) => {
    if (!head.startsWith("GET /events")) return await answerWith(200, "[]")(connection, head);
    await write(connection, chunkedHead);
    await untilClosed(connection);
  });
  const client = engine.client();
  await costOfCalls(client);
  const aloneMs = await costOfCalls(client);
  const end = new AbortController();
  const opened: Promise<void>[] = [];
  const followed = Array.from({ length: 30 }, async () => {
    const isOpen = Promise.withResolvers<void>();
    opened.push(isOpen.promise);
    for await (const event of client.events(end.signal, isOpen.resolve)) assert.fail(JSON.stringify(event));
  });
  await Promise.all(opened);
  const besideMs = await costOfCalls(client);
  end.abort();
  await Promise.allSettled(followed);
  assert.ok(besideMs < 3 * aloneMs + 100, `ten calls cost ${aloneMs} ms alone, ${besideMs} ms beside the others`);
});
