import assert from "node:assert/strict";
import { type Log, type LogFields, silentLog } from "../../lib/base/log.ts";
import { type Profiling, type ProfilingOptions, startProfiling } from "../../lib/profiling.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

/** A server with its token in a folder of its own. */
interface RunningProfiling extends Profiling {
  url: string;
  token: string;
  /** Asks with the token. */
  get(path: string): Promise<Response>;
}

async function start(options: Partial<ProfilingOptions> = {}): Promise<RunningProfiling> {
  const folder = await Deno.makeTempDir();
  const tokenFile = `${folder}/profiling.token`;
  const server = await startProfiling({
    port: 0,
    tokenFile,
    log: silentLog,
    metrics: () => Promise.resolve("up 1\n"),
    ...options,
  });
  assert.ok(server !== undefined);
  const { port } = server;
  const url = `http://127.0.0.1:${port}`;
  const token = (await Deno.readTextFile(tokenFile)).trim();
  assert.equal(((await Deno.stat(tokenFile)).mode ?? 0) & 0o777, 0o600);
  return {
    port,
    url,
    token,
    get: (path) => fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } }),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Sends a request as it is written and returns the status of the answer. */
async function ask(port: number, request: string): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(request));
  const answer = await new Response(connection.readable).text();
  return Number(answer.split(" ")[1]);
}

const table = [
  { name: "refuses an unknown path", line: "GET /debug/pprof/trace", status: 404 },
  { name: "refuses another method", line: "POST /metrics", status: 405 },
  { name: "refuses a HEAD", line: "HEAD /", status: 405 },
  { name: "refuses seconds below 1", line: "GET /debug/pprof/profile?seconds=0", status: 400 },
  { name: "refuses seconds above 120", line: "GET /debug/pprof/profile?seconds=120.5", status: 400 },
  { name: "refuses seconds that are not a number", line: "GET /debug/pprof/profile?seconds=1e1", status: 400 },
  { name: "refuses empty seconds", line: "GET /debug/pprof/profile?seconds=", status: 400 },
  { name: "refuses the name of a web page", line: "GET /metrics", host: "evil.example", status: 403 },
  {
    name: "refuses a name that begins like a loopback address",
    line: "GET /metrics",
    host: "127.0.0.1.evil.example",
    status: 403,
  },
  { name: "refuses an empty name", line: "GET /metrics", host: "", status: 403 },
  { name: "answers under its address", line: "GET /metrics", host: "127.0.0.1:80", status: 200 },
  { name: "answers under localhost", line: "GET /metrics", host: "LOCALHOST", status: 200 },
  { name: "answers under the other loopback address", line: "GET /metrics", host: "[::1]:80", status: 200 },
];

for (const { name, line, host = "localhost", status } of table) {
  Deno.test(`profiling ${name}`, async () => {
    await using server = await start();
    const answer = await ask(
      server.port,
      `${line} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${server.token}\r\nconnection: close\r\n\r\n`,
    );
    assert.equal(answer, status);
  });
}

Deno.test("profiling lists what there is", async () => {
  await using server = await start();
  const text = await (await server.get("/")).text();
  const paths = [...text.matchAll(/^\/[a-z/]+/gm)].map(([path]) => path);
  assert.deepEqual(paths, ["/metrics", "/debug/process", "/debug/pprof/profile", "/debug/pprof/heap"]);
});

Deno.test("profiling serves what is measured, read again for every request", async () => {
  let calls = 0;
  await using server = await start({ metrics: () => Promise.resolve(`calls ${++calls}\n`) });
  await (await server.get("/metrics")).text();
  const answer = await server.get("/metrics");
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.equal(await answer.text(), "calls 2\n");
});

Deno.test("profiling describes the process", async () => {
  await using server = await start();
  const found = await (await server.get("/debug/process")).json();
  assert.equal(found.pid, Deno.pid);
  assert.ok(found.memory.rssBytes > found.memory.heapUsedBytes && found.memory.heapUsedBytes > 1_000_000);
  assert.ok(found.uptimeSeconds > 0 && found.processor.userSeconds > 0);
  assert.equal(typeof found.resources, "object");
});

Deno.test("profiling answers 500 and logs an error when the agent's metrics cannot be read", async () => {
  const { log, errors } = recordingLog();
  const metrics = () => Promise.reject(new Error("no metrics"));
  await using server = await start({ log, metrics });
  const answer = await server.get("/metrics");
  assert.deepEqual([answer.status, await answer.text()], [500, "no metrics\n"]);
  assert.deepEqual(errors, ["Cannot answer a profiling request: no metrics"]);
});

Deno.test("profiling records which function used the processor", async () => {
  const clock = new FakeClock();
  await using server = await start({ clock });
  const answer = await server.get("/debug/pprof/profile?seconds=120");
  assert.match(answer.headers.get("content-disposition") ?? "", /\.cpuprofile"/);
  await clock.untilSleeping();
  function spin() {
    for (const endMs = performance.now() + 100; performance.now() < endMs;);
  }
  spin();
  await clock.advance(120_000);
  const profile = await answer.json();
  const names = profile.nodes.map((node: { callFrame: { functionName: string } }) => node.callFrame.functionName);
  assert.ok(names.includes("spin"), names.join(" "));
  assert.equal(profile.samples.length, profile.timeDeltas.length);
});

Deno.test("profiling makes one profile at a time, and the next one when the reader of the first is gone", async () => {
  const clock = new FakeClock();
  await using server = await start({ clock });
  const first = await server.get("/debug/pprof/profile");
  await clock.untilSleeping();
  for (const path of ["profile", "heap"]) {
    const second = await server.get(`/debug/pprof/${path}`);
    assert.deepEqual([second.status, await second.text()], [409, "Another profile is being made\n"]);
  }
  await first.body?.cancel();
  // A client cannot know when the server has noticed that it left.
  const third = await untilNot(409, () => server.get("/debug/pprof/profile?seconds=1"));
  await clock.untilSleeping();
  assert.equal(clock.sleeping, 1);
  await clock.advance(1000);
  assert.ok((await third.json()).nodes.length > 0);
});

Deno.test("profiling sends a heap snapshot", async () => {
  class KeptForTheSnapshot {}
  const held = new KeptForTheSnapshot();
  await using server = await start();
  const answer = await server.get("/debug/pprof/heap");
  assert.match(answer.headers.get("content-disposition") ?? "", /\.heapsnapshot"/);
  const snapshot = await answer.json();
  assert.ok(snapshot.snapshot.node_count > 1000);
  assert.ok(snapshot.strings.includes(held.constructor.name));
  const next = await untilNot(409, () => server.get("/debug/pprof/heap"));
  await next.body?.cancel();
});

Deno.test("profiling ends at once during a profile and while a snapshot is being read", async () => {
  const { log, errors } = recordingLog();
  for (const path of ["profile", "heap"]) {
    const server = await start({ clock: new FakeClock(), log });
    const answer = await server.get(`/debug/pprof/${path}`);
    const text = assert.rejects(answer.text());
    await server[Symbol.asyncDispose]();
    await text;
    await assert.rejects(fetch(server.url));
  }
  assert.deepEqual(errors, []);
});

Deno.test("profiling logs an error for a port that it cannot use, and nothing else happens", async () => {
  const { log, errors } = recordingLog();
  await using server = await start();
  const folder = await Deno.makeTempDir();
  for (const port of [server.port, 65_536, -1, 80.5]) {
    assert.equal(
      await startProfiling({ port, tokenFile: `${folder}/token`, log, metrics: () => Promise.resolve("") }),
      undefined,
    );
  }
  const wrong = "Cannot start the profiling server: a port is a number from 0 to 65535";
  assert.match(errors.shift() ?? "", /^Cannot start the profiling server: .*in use/i);
  assert.deepEqual(errors, [wrong, wrong, wrong]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test({
  name: "profiling listens on one loopback address only",
  // Other systems have no second loopback address.
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using server = await start();
    await assert.rejects(Deno.connect({ hostname: "127.0.0.2", port: server.port }), Deno.errors.ConnectionRefused);
  },
});

Deno.test("profiling imports modules of the runtime only when it needs them", async () => {
  const source = await Deno.readTextFile(new URL("../../lib/profiling.ts", import.meta.url));
  assert.doesNotMatch(source, /^import .*"node:/m);
  assert.match(source, /await import\("node:/);
});

async function untilNot(status: number, request: () => Promise<Response>): Promise<Response> {
  for (;;) {
    const answer = await request();
    if (answer.status !== status) return answer;
    await answer.body?.cancel();
  }
}

function recordingLog(): { log: Log; errors: string[] } {
  const errors: string[] = [];
  const log = {
    ...silentLog,
    error: (message: string, fields: LogFields = {}) => void errors.push(`${message}: ${fields.error}`),
  };
  return { log, errors };
}

Deno.test({
  name: "profiling counts what the process holds open",
  // Other systems do not show it.
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using server = await start();
    const { resources } = await (await server.get("/debug/process")).json();
    assert.ok(resources.threads >= 1 && resources.sockets >= 3 && resources.files >= 1, JSON.stringify(resources));
  },
});

const strangers: { name: string; headers: Record<string, string>; status: number }[] = [
  { name: "nobody", headers: {}, status: 401 },
  { name: "a wrong token", headers: { authorization: `Bearer ${"0".repeat(64)}` }, status: 401 },
  { name: "a short token", headers: { authorization: "Bearer 0" }, status: 401 },
  { name: "an empty token", headers: { authorization: "Bearer " }, status: 401 },
  { name: "another scheme", headers: { authorization: "Basic TOKEN" }, status: 401 },
  {
    name: "a page with the token",
    headers: { authorization: "Bearer TOKEN", origin: "http://localhost" },
    status: 403,
  },
  { name: "a page without an address", headers: { authorization: "Bearer TOKEN", origin: "null" }, status: 403 },
  {
    name: "an image of a page",
    headers: { authorization: "Bearer TOKEN", "sec-fetch-site": "cross-site" },
    status: 403,
  },
  {
    name: "a page of this host",
    headers: { authorization: "Bearer TOKEN", "sec-fetch-site": "same-site" },
    status: 403,
  },
  { name: "the owner of the file", headers: { authorization: "Bearer TOKEN" }, status: 200 },
  { name: "the owner in a browser", headers: { authorization: "bearer TOKEN", "sec-fetch-site": "none" }, status: 200 },
];

Deno.test("#10: profiling answers nobody but who can read the token file, and no page in a browser", async () => {
  await using server = await start();
  for (const path of ["/", "/metrics", "/debug/process", "/debug/pprof/profile", "/debug/pprof/heap", "/other"]) {
    for (const { name, headers, status } of strangers.filter((stranger) => path === "/" || stranger.status !== 200)) {
      const lines = Object.entries(headers).map(([key, value]) =>
        `${key}: ${value.replace("TOKEN", server.token)}\r\n`
      );
      const request = `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${lines.join("")}connection: close\r\n\r\n`;
      assert.equal(await ask(server.port, request), status, `${path} for ${name}`);
    }
  }
});
