import assert from "node:assert/strict";
import { AgentError, hasCode } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { Engine } from "../../../lib/docker/engine.ts";
import {
  answerWith,
  chunk,
  chunkedHead,
  type RawAnswer,
  ScriptedEngine,
  untilClosed,
  write,
} from "../../fakes/fake_engine_server.ts";

const never = new AbortController().signal;
const line = (text: string) => `2031-03-05T07:00:00.123456789Z ${text}\r\n`;

/** The lines of the container's log until it ends. */
async function read(engine: Engine, signal = never): Promise<string[]> {
  const texts: string[] = [];
  for await (const lines of engine.followLogs("shop", { tty: true, since: "2031-03-05T07:00:00.5Z", signal })) {
    texts.push(...lines.map(({ text }) => text));
  }
  return texts;
}

async function failureOf(work: Promise<unknown>): Promise<AgentError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error("It did not fail");
}

Deno.test("a log is read to its end, however the engine splits it, and requested with version and time", async () => {
  await using server = new ScriptedEngine(async (connection) => {
    await write(connection, chunkedHead);
    for (const text of ["one", "two", "three"]) await write(connection, chunk(line(text)));
    await new Promise((resolve) => setTimeout(resolve, 30));
    const rest = chunk(line("four").slice(0, 20)) + chunk(line("four").slice(20)) + "0\r\n\r\n";
    for (const character of rest) await write(connection, character);
    await untilClosed(connection);
  });
  assert.deepEqual(await read(server.client()), ["one", "two", "three", "four"]);
  const [request = ""] = server.requests;
  assert.match(request, /^GET \/containers\/shop\/logs\?\S*since=1930460400\.500000000\S* HTTP\/1\.1\r\n/);
  assert.match(request, /\r\nHost: docker\r\n/);
});

Deno.test("the version that DOCKER_API_VERSION names is part of the path", async () => {
  await using server = new ScriptedEngine(answerWith(200, ""));
  const env = { DOCKER_HOST: server.host, DOCKER_API_VERSION: "1.44" };
  assert.deepEqual(await read(new Engine({ log: silentLog, env })), []);
  assert.match(server.requests[0] ?? "", /^GET \/v1\.44\/containers\/shop\/logs\?/);
});

const breaks: { name: string; answer: RawAnswer; code: string }[] = [
  { name: "before an answer", answer: () => Promise.resolve(), code: "engine_unreachable" },
  { name: "in the head", answer: (connection) => write(connection, "HTTP/1.1 200"), code: "engine_unreachable" },
  {
    name: "between two chunks",
    answer: (connection) => write(connection, chunkedHead + chunk(line("a"))),
    code: "engine_unreachable",
  },
  {
    name: "with something that is no answer",
    answer: (connection) => write(connection, "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    code: "engine_unreachable",
  },
  {
    name: "with the word that there is no such container",
    answer: answerWith(404, '{"message":"No such container: shop"}'),
    code: "container_missing",
  },
  {
    name: "with a refusal",
    answer: answerWith(500, '{"message":"configured logging driver does not support reading"}'),
    code: "engine_failed",
  },
];

for (const { name, answer, code } of breaks) {
  Deno.test(`a log that ends ${name} is ${code}`, async () => {
    await using server = new ScriptedEngine(answer);
    assert.equal((await failureOf(read(server.client()))).code, code);
  });
}

Deno.test("a log of a missing engine is engine_unreachable", async () => {
  const engine = new Engine({ log: silentLog, env: { DOCKER_HOST: "unix:///nowhere/docker.sock" } });
  assert.ok(hasCode(await failureOf(read(engine)), "engine_unreachable"));
});

Deno.test("an abort ends a log without an error and closes its connection, before and during the answer", async () => {
  for (const said of ["", chunkedHead, chunkedHead + chunk(line("a"))]) {
    const isAsked = Promise.withResolvers<void>();
    await using server = new ScriptedEngine(async (connection) => {
      if (said !== "") await write(connection, said);
      isAsked.resolve();
      await untilClosed(connection);
    });
    const controller = new AbortController();
    const reading = read(server.client(), controller.signal);
    await isAsked.promise;
    controller.abort();
    assert.ok((await reading).length <= 1);
  }
  await using server = new ScriptedEngine(untilClosed);
  assert.deepEqual(await read(server.client(), AbortSignal.abort()), []);
});

Deno.test("leaving the loop over a log closes its connection", async () => {
  await using server = new ScriptedEngine(async (connection) => {
    await write(connection, chunkedHead + chunk(line("a")));
    await untilClosed(connection);
  });
  for await (const lines of server.client().followLogs("shop", { tty: true, signal: never })) {
    assert.equal(lines[0]?.text, "a");
    break;
  }
});
