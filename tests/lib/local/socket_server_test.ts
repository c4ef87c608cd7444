import assert from "node:assert/strict";
import { foreignLines } from "../../../lib/async/line_quota.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { hasCode } from "../../../lib/base/errors.ts";
import { askAgent } from "../../../lib/local/ask.ts";
import { SocketServer, type SocketServerOptions } from "../../../lib/local/socket_server.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { socketPath } from "../../../lib/local/socket_path.ts";

async function folderFor(stack: AsyncDisposableStack, inner = ""): Promise<string> {
  const outer = await Deno.makeTempDir({ prefix: "l-" });
  stack.defer(() => Deno.remove(outer, { recursive: true }));
  await Deno.mkdir(`${outer}/${inner}`, { recursive: true });
  return inner === "" ? outer : `${outer}/${inner}`;
}

async function open(agentDir: string, options: Partial<SocketServerOptions> = {}): Promise<SocketServer> {
  return await SocketServer.open({ agentDir, log: silentLog, answer: () => Promise.resolve("fine"), ...options });
}

/** What has been planted where the socket or its folder will be. */
const plants: readonly { name: string; plant(agentDir: string): Promise<void> }[] = [
  { name: "nothing", plant: () => Promise.resolve() },
  {
    name: "a socket that an agent has left when it was killed",
    plant: async (agentDir) => {
      await Deno.mkdir(`${agentDir}/local`);
      Deno.listen({ transport: "unix", path: socketPath(agentDir) }).close();
      await Deno.writeTextFile(`${agentDir}/local/agent.sock`, "");
    },
  },
  { name: "a file in the place of the folder", plant: (agentDir) => Deno.writeTextFile(`${agentDir}/local`, "x") },
  {
    name: "a link in the place of the folder",
    plant: async (agentDir) => {
      await Deno.mkdir(`${agentDir}/elsewhere`);
      await Deno.symlink(`${agentDir}/elsewhere`, `${agentDir}/local`);
    },
  },
  {
    name: "a link in the place of the socket",
    plant: async (agentDir) => {
      await Deno.mkdir(`${agentDir}/local`, { mode: 0o777 });
      await Deno.writeTextFile(`${agentDir}/precious`, "kept");
      await Deno.symlink(`${agentDir}/precious`, socketPath(agentDir));
    },
  },
  {
    name: "a folder that everybody can enter",
    plant: async (agentDir) => {
      await Deno.mkdir(`${agentDir}/local`);
      await Deno.chmod(`${agentDir}/local`, 0o777);
    },
  },
];

for (const { name, plant } of plants) {
  Deno.test(`SocketServer listens where there is ${name}`, async () => {
    await using stack = new AsyncDisposableStack();
    const agentDir = await folderFor(stack);
    await plant(agentDir);
    {
      await using _server = await open(agentDir);
      assert.equal(await askAgent({ ask: "status" }, { agentDir }), "fine");
      assert.equal(((await Deno.lstat(`${agentDir}/local`)).mode ?? 0) & 0o7777, 0o700);
      assert.ok((await Deno.lstat(`${agentDir}/local`)).isDirectory);
    }
    await assert.rejects(Deno.lstat(socketPath(agentDir)), Deno.errors.NotFound);
    const precious = await Deno.readTextFile(`${agentDir}/precious`).catch(() => undefined);
    assert.ok(precious === undefined || precious === "kept");
  });
}

Deno.test("SocketServer listens below a path that is too long for a socket", async () => {
  await using stack = new AsyncDisposableStack();
  const agentDir = await folderFor(stack, `${"long/".repeat(30)}end`);
  await using _server = await open(agentDir);
  assert.equal(await askAgent({ ask: "status" }, { agentDir }), "fine");
});

Deno.test("askAgent() says that no agent runs", async () => {
  await using stack = new AsyncDisposableStack();
  const agentDir = await folderFor(stack);
  const isAway = (error: unknown) => hasCode(error, "not_available");
  await assert.rejects(askAgent({ ask: "status" }, { agentDir }), isAway);
  await Deno.mkdir(`${agentDir}/local`);
  await Deno.writeTextFile(socketPath(agentDir), "");
  await assert.rejects(askAgent({ ask: "status" }, { agentDir }), isAway);
  await assert.rejects(askAgent({ ask: "status" }, { agentDir: `${agentDir}/${"long/".repeat(30)}` }), isAway);
});

Deno.test("askAgent() gives up when the agent hangs", async () => {
  await using stack = new AsyncDisposableStack();
  const agentDir = await folderFor(stack);
  const hanging = Promise.withResolvers<void>();
  await using _server = await open(agentDir, { answer: () => hanging.promise });
  await assert.rejects(askAgent({ ask: "status" }, { agentDir, limitMs: 50 }), (error) => hasCode(error, "timeout"));
  hanging.resolve();
});

/** What is sent, and what comes back. */
const nonsense: readonly { name: string; sent: string; back: RegExp }[] = [
  { name: "an empty line", sent: "\n", back: /^\{"ok":false,"error":"The question is not understood"\}\n$/ },
  { name: "no JSON", sent: "GET / HTTP/1.1\r\n\r\n", back: /not understood/ },
  { name: "another question", sent: '{"ask":"secrets"}\n', back: /not understood/ },
  { name: "a channel that is no text", sent: '{"ask":"history","channel":[1]}\n', back: /not understood/ },
  { name: "a line that is too long", sent: `{"ask":"status","x":"${"y".repeat(5_000)}"}\n`, back: /^$/ },
  { name: "a question without a line end", sent: '{"ask":"status"}', back: /^$/ },
];

for (const { name, sent, back } of nonsense) {
  Deno.test(`SocketServer survives ${name}`, async () => {
    await using stack = new AsyncDisposableStack();
    const agentDir = await folderFor(stack);
    await using _server = await open(agentDir, { limits: { questionMs: 100 } });
    const connection = await Deno.connect({ transport: "unix", path: socketPath(agentDir) });
    await connection.write(new TextEncoder().encode(sent)).catch(() => {});
    const answer = await new Response(connection.readable).text().catch(() => "");
    assert.match(answer, back);
    assert.equal(await askAgent({ ask: "status" }, { agentDir }), "fine");
  });
}

Deno.test("SocketServer serves a bounded number of connections, and others again when they have gone", async () => {
  await using stack = new AsyncDisposableStack();
  const agentDir = await folderFor(stack);
  await using _server = await open(agentDir, { limits: { connections: 2 } });
  const path = socketPath(agentDir);
  const idle = [await Deno.connect({ transport: "unix", path }), await Deno.connect({ transport: "unix", path })];
  await assert.rejects(askAgent({ ask: "status" }, { agentDir }));
  for (const connection of idle) connection.close();
  for (let tries = 0;; tries += 1) {
    const answer = await askAgent({ ask: "status" }, { agentDir }).catch(() => undefined);
    if (answer === "fine") break;
    assert.ok(tries < 100, "connections that are gone still count");
  }
});

Deno.test("SocketServer answers with the reason when a question fails, and ends with open connections", async () => {
  await using stack = new AsyncDisposableStack();
  const agentDir = await folderFor(stack);
  const server = await open(agentDir, { answer: () => Promise.reject(new Error("no engine")) });
  await assert.rejects(askAgent({ ask: "status" }, { agentDir }), /no engine/);
  using _idle = await Deno.connect({ transport: "unix", path: socketPath(agentDir) });
  await server[Symbol.asyncDispose]();
});

Deno.test("SocketServer does not wait for a client that connects while it ends", async () => {
  await using stack = new AsyncDisposableStack();
  const agentDir = await folderFor(stack);
  // Longer than a test may take.
  const server = await open(agentDir, { limits: { questionMs: 3_600_000 } });
  using _idle = await Deno.connect({ transport: "unix", path: socketPath(agentDir) });
  await server[Symbol.asyncDispose]();
});

Deno.test("SocketServer lets go of clients that ask and never read", async () => {
  await using stack = new AsyncDisposableStack();
  const agentDir = await folderFor(stack);
  // More than the buffers of a socket hold.
  const answer = () => Promise.resolve("x".repeat(900_000));
  await using _server = await open(agentDir, { answer, limits: { connections: 2, answerMs: 100 } });
  const deaf: Deno.UnixConn[] = [];
  for (let count = 0; count < 2; count += 1) {
    const connection = await Deno.connect({ transport: "unix", path: socketPath(agentDir) });
    await connection.write(new TextEncoder().encode('{"ask":"status"}\n'));
    deaf.push(connection);
  }
  const reply = await pollUntil("others are answered again", async () => {
    return await askAgent({ ask: "status" }, { agentDir }).catch(() => undefined);
  });
  assert.equal(String(reply).length, 900_000);
  for (const connection of deaf) connection.close();
});

Deno.test("SocketServer answers after a thousand connections, and after megabytes without a line end", async () => {
  await using stack = new AsyncDisposableStack();
  const agentDir = await folderFor(stack);
  const lines: string[] = [];
  const log = { ...silentLog, debug: (text: string) => void lines.push(text) };
  await using _server = await open(agentDir, { log, limits: { questionMs: 1_000 } });
  const path = socketPath(agentDir);
  const megabytes = new Uint8Array(2 * 1024 * 1024).fill(120);
  // Some find no room in the queue of the system, and those are no trouble.
  const attack = async (content: Uint8Array) => {
    using connection = await Deno.connect({ transport: "unix", path });
    await connection.write(content);
    await connection.read(new Uint8Array(1));
  };
  const attacks = Array.from({ length: 1_000 }, (_, index) => {
    return attack(index % 10 === 0 ? megabytes : new Uint8Array([123])).catch(() => undefined);
  });
  await Promise.all(attacks);
  const reply = await pollUntil("others are answered again", async () => {
    return await askAgent({ ask: "status" }, { agentDir }).catch(() => undefined);
  });
  assert.equal(reply, "fine");
  assert.ok(lines.length > 0 && lines.length <= foreignLines.lines, `${lines.length} lines in the log`);
});
