import assert from "node:assert/strict";
import { type AgentError, hasCode } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { Engine } from "../../../lib/docker/engine.ts";
import { TestCa } from "../../../scripts/testbed/certificate_authority.ts";
import { answerWith, chunk, chunkedHead, ScriptedEngine, untilClosed, write } from "../../fakes/fake_engine_server.ts";

const never = new AbortController().signal;

async function failureOf(promise: Promise<unknown>): Promise<AgentError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(
      hasCode(
        error,
        "engine_unreachable",
        "engine_failed",
        "timeout",
        "canceled",
        "pull_failed",
        "image_missing",
        "denied",
      ),
    );
    return error;
  }
  assert.fail("nothing was thrown");
}

Deno.test("a call to a missing socket is engine_unreachable", async () => {
  const engine = new Engine({ log: silentLog, env: { DOCKER_HOST: "unix:///nowhere/docker.sock" } });
  const error = await failureOf(engine.listImages(never));
  assert.equal(error.code, "engine_unreachable");
  assert.match(error.message, /^Listing images failed, the container engine cannot be reached: .*ENOENT/);
});

Deno.test("change 2.9: isAvailable() asks at once, whatever else the engine is busy with, and waits for 3 s", async () => {
  let isAnswering = true;
  const { promise: end, resolve } = Promise.withResolvers<void>();
  await using scripted = new ScriptedEngine(async (connection, head) => {
    if (isAnswering && head.includes("/_ping")) await answerWith(200, "OK")(connection, head);
    else await Promise.race([untilClosed(connection), end]);
  });
  const engine = scripted.client({ availableMs: 500 });
  const others = new AbortController();
  const busy = Array.from({ length: 40 }, () => assert.rejects(engine.listContainers(others.signal)));
  assert.equal(await engine.isAvailable(never), true);
  isAnswering = false;
  assert.equal(await engine.isAvailable(never), false);
  await assert.rejects(engine.isAvailable(AbortSignal.abort()), { code: "canceled" });
  others.abort();
  await Promise.all(busy);
  resolve();
  assert.equal(await new Engine({ log: silentLog, env: { DOCKER_HOST: "unix:///nowhere" } }).isAvailable(never), false);
});

Deno.test("a call to a port where nobody listens is engine_unreachable", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const engine = new Engine({ log: silentLog, env: { DOCKER_HOST: `tcp://127.0.0.1:${port}` } });
  assert.equal((await failureOf(engine.ping(never))).code, "engine_unreachable");
});

Deno.test("an engine is reached over tcp, with the version that DOCKER_API_VERSION names", async () => {
  const paths: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    paths.push(new URL(request.url).pathname);
    return Response.json({ DockerRootDir: "/data" });
  });
  const env = { DOCKER_HOST: `tcp://127.0.0.1:${server.addr.port}`, DOCKER_API_VERSION: "1.41" };
  assert.equal(await new Engine({ log: silentLog, env }).dataRoot(never), "/data");
  assert.deepEqual(paths, ["/v1.41/info"]);
  await server.shutdown();
});

/** Answers as an engine that takes the versions from 1.24 to 1.45. */
function versionedEngine(): ScriptedEngine {
  return new ScriptedEngine(async (connection, head) => {
    const [, path = ""] = head.split(" ");
    const version = /^\/v(\d+\.\d+)\//.exec(path)?.[1] ?? "1.45";
    const minor = 100 * (Number(version.split(".")[0]) - 1) + Number(version.split(".")[1]);
    if (path.startsWith("/version")) {
      return await answerWith(200, `{"ApiVersion":"1.45","MinAPIVersion":"1.24"}`)(connection, head);
    }
    const refusal = minor > 45
      ? `client version ${version} is too new. Maximum supported API version is 1.45`
      : minor < 24
      ? `client version ${version} is too old. Minimum supported API version is 1.24`
      : undefined;
    if (refusal !== undefined) return await answerWith(400, JSON.stringify({ message: refusal }))(connection, head);
    await answerWith(200, "[]")(connection, head);
  });
}

const refusedVersions: { wanted: string; used: string }[] = [
  { wanted: "1.99", used: "/v1.45/" },
  { wanted: "2.0", used: "/v1.45/" },
  { wanted: "1.10", used: "/v1.31/" },
  { wanted: "newest", used: "/" },
];

for (const { wanted, used } of refusedVersions) {
  Deno.test(`#16: with DOCKER_API_VERSION ${wanted} calls and streams go to ${used}, and there is one warning`, async () => {
    await using server = versionedEngine();
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
    const engine = new Engine({ log, env: { DOCKER_HOST: server.host, DOCKER_API_VERSION: wanted } });
    await engine.ping(never);
    await Promise.all([engine.listImages(never), engine.listContainersRaw(never)]);
    await engine.readLogs("c", { tty: false, signal: never, tail: 1 }).catch(() => {});
    const paths = server.requests.map((head) => head.split(" ")[1] ?? "");
    for (const path of ["_ping", "images/json", "containers/json"]) {
      assert.ok(paths.some((one) => one.startsWith(`${used}${path}`)), `${path} among ${paths.join(" ")}`);
    }
    assert.equal(warnings.length, 1, warnings.join("\n"));
  });
}

Deno.test("#16: calls that are refused at the same time find the version together", async () => {
  await using server = versionedEngine();
  const engine = new Engine({ log: silentLog, env: { DOCKER_HOST: server.host, DOCKER_API_VERSION: "1.99" } });
  await Promise.all(Array.from({ length: 20 }, () => engine.listImages(never)));
  const before = server.requests.length;
  await engine.listImages(never);
  assert.equal(server.requests.length, before + 1);
});

Deno.test("an engine behind TLS is reached with the authority of DOCKER_CERT_PATH, and not with another", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of ["ours", "theirs"]) await Deno.mkdir(`${folder}/${name}`);
  const ca = await TestCa.create(`${folder}/ours`);
  const other = await TestCa.create(`${folder}/theirs`);
  const served = await ca.sign("server", { names: ["IP:127.0.0.1"] });
  for (const authority of [ca, other]) {
    const client = await authority.sign("client");
    const target = authority.certificateFile.replace("/ca.pem", "");
    await Deno.rename(client.certificateFile, `${target}/cert.pem`);
    await Deno.rename(client.keyFile, `${target}/key.pem`);
  }
  const tls = { cert: await Deno.readTextFile(served.certificateFile), key: await Deno.readTextFile(served.keyFile) };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {}, ...tls }, () => new Response("OK"));
  const env = { DOCKER_HOST: `tcp://127.0.0.1:${server.addr.port}`, DOCKER_TLS_VERIFY: "1" };
  await new Engine({ log: silentLog, env: { ...env, DOCKER_CERT_PATH: `${folder}/ours` } }).ping(never);
  const stranger = new Engine({ log: silentLog, env: { ...env, DOCKER_CERT_PATH: `${folder}/theirs` } });
  assert.equal((await failureOf(stranger.ping(never))).code, "engine_unreachable");
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a malformed DOCKER_HOST fails the call, not the construction", async () => {
  const engine = new Engine({ log: silentLog, env: { DOCKER_HOST: "ssh://h" } });
  assert.match((await failureOf(engine.ping(never))).message, /DOCKER_HOST must be/);
});

Deno.test("a connection that breaks in the middle of an answer is engine_unreachable", async () => {
  await using server = new ScriptedEngine((connection) => write(connection, chunkedHead + chunk('[{"Id":')));
  assert.equal((await failureOf(server.client().listImages(never))).code, "engine_unreachable");
});

Deno.test("a connection that breaks before an answer is engine_unreachable", async () => {
  await using server = new ScriptedEngine(() => Promise.resolve());
  assert.equal((await failureOf(server.client().listImages(never))).code, "engine_unreachable");
});

Deno.test("an engine that never answers is a timeout, and its connection is closed", async () => {
  await using server = new ScriptedEngine(untilClosed);
  const error = await failureOf(server.client({ pingMs: 50 }).ping(never));
  assert.equal(error.code, "timeout");
  assert.match(error.message, /took longer than 50 ms$/);
});

Deno.test("an answer that stops in the middle is a timeout, and its connection is closed", async () => {
  await using server = new ScriptedEngine(async (connection) => {
    await write(connection, chunkedHead + chunk("{"));
    await untilClosed(connection);
  });
  assert.equal((await failureOf(server.client({ dataRootMs: 50 }).dataRoot(never))).code, "timeout");
});

Deno.test("an abort ends a call as canceled, before and after it was sent", async () => {
  await using server = new ScriptedEngine(untilClosed);
  assert.equal((await failureOf(server.client().ping(AbortSignal.abort()))).code, "canceled");
  const controller = new AbortController();
  const call = failureOf(server.client().listImages(controller.signal));
  controller.abort();
  assert.equal((await call).code, "canceled");
});

Deno.test("an answer that is not JSON is engine_failed", async () => {
  await using server = new ScriptedEngine(answerWith(200, "<html>"));
  assert.equal(
    (await failureOf(server.client().listImages(never))).message,
    "Listing images failed: the answer is not JSON",
  );
});

Deno.test("answers of another shape are read as empty instead of failing", async () => {
  await using server = new ScriptedEngine(answerWith(200, `{"message":"?"}`));
  const engine = server.client();
  assert.deepEqual(await engine.listImages(never), []);
  assert.deepEqual(await engine.listContainersRaw(never), []);
  assert.equal(await engine.dataRoot(never), "");
});

Deno.test("names from outside cannot change the path of a call", async () => {
  await using server = new ScriptedEngine(answerWith(404, `{"message":"No such image: x"}`));
  const engine = server.client();
  assert.equal(await engine.hasImage("r:5000/a b?force=1#x", never), false);
  assert.match(server.requests[0] ?? "", /^GET \/images\/r:5000\/a%20b%3Fforce%3D1%23x\/json/);
  for (const name of ["", "..", "x/../../info", "/x", "a/./b"]) {
    await assert.rejects(engine.inspect(name, never), (error) => hasCode(error, "bad_request"));
    await assert.rejects(engine.untag(name, never), (error) => hasCode(error, "bad_request"));
  }
  assert.equal(server.requests.length, 1);
});

Deno.test("a pull reports an error that comes inside the stream, after all lines", async () => {
  const lines = [`{"status":"Pulling"}`, `{"errorDetail":{"message":"denied"},"error":"denied"}`];
  await using server = new ScriptedEngine((connection) =>
    write(connection, chunkedHead + chunk(lines.join("\r\n") + "\r\n") + "0\r\n\r\n")
  );
  const pull = await server.client().openPull("shop:1", undefined, never);
  const seen: string[] = [];
  const error = await failureOf(pull.readToEnd((line) => seen.push(line)));
  assert.equal(error.code, "pull_failed");
  assert.equal(error.message, `Pulling image "shop:1" failed: denied`);
  assert.deepEqual(seen, lines);
});

Deno.test("a pull without a byte for too long is a timeout", async () => {
  await using server = new ScriptedEngine(async (connection) => {
    await write(connection, chunkedHead + chunk(`{"status":"Pulling"}\n`));
    await untilClosed(connection);
  });
  const pull = await server.client({ pullStallMs: 50 }).openPull("shop:1", undefined, never);
  const error = await failureOf(pull.readToEnd(() => {}));
  assert.equal(error.code, "timeout");
  assert.equal(error.message, `Pulling image "shop:1" brought nothing for 50 ms`);
});

Deno.test("#13: a pull that waits for others in the engine has not failed", async () => {
  await using server = new ScriptedEngine(async (connection, head) => {
    await write(connection, chunkedHead + chunk(`{"status":"Waiting"}\n`));
    const isBusy = head.includes("busy");
    for (let count = 0; count < 20; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (isBusy) await write(connection, chunk(`{"status":"Downloading"}\n`));
    }
    await write(connection, "0\r\n\r\n");
  });
  const client = server.client({ pullStallMs: 400 });
  const pulls = await Promise.all(["busy:1", "waits:1"].map((name) => client.openPull(name, undefined, never)));
  await Promise.all(pulls.map((pull) => pull.readToEnd(() => {})));
});

Deno.test("a pull that is aborted between its opening and its reading is canceled", async () => {
  await using server = new ScriptedEngine(async (connection) => {
    await write(connection, chunkedHead + chunk(`{"status":"Pulling"}\n`));
    await untilClosed(connection);
  });
  const controller = new AbortController();
  const pull = await server.client().openPull("shop:1", undefined, controller.signal);
  controller.abort();
  assert.equal((await failureOf(pull.readToEnd(() => {}))).code, "canceled");
});

Deno.test("a pull whose engine dies is engine_unreachable", async () => {
  await using server = new ScriptedEngine((connection) =>
    write(connection, chunkedHead + chunk(`{"status":"Pulling"}\n`))
  );
  const pull = await server.client().openPull("shop:1", undefined, never);
  assert.equal((await failureOf(pull.readToEnd(() => {}))).code, "engine_unreachable");
});

Deno.test("a pull that is refused at once keeps the engine's message", async () => {
  await using server = new ScriptedEngine(answerWith(500, `{"message":"unauthorized: no"}`));
  const error = await failureOf(server.client().openPull("shop:1", undefined, never));
  assert.equal(error.code, "pull_failed");
  assert.equal(error.message, `Pulling image "shop:1" failed: unauthorized: no`);
});

Deno.test("a pull asks for one tag, with its credentials in the header only", async () => {
  await using server = new ScriptedEngine(answerWith(200, ""));
  const auth = { host: "r:5000/", user: "u", password: "secret" };
  const pull = await server.client().openPull("r:5000/apps/shop", auth, never);
  await pull.readToEnd(() => {});
  const [head = ""] = server.requests;
  assert.match(head, /^POST \/images\/create\?fromImage=r%3A5000%2Fapps%2Fshop&tag=latest HTTP/);
  assert.match(head, /x-registry-auth: eyJ1c2VybmFtZSI6InUi/i);
  assert.doesNotMatch(head, /secret/);
});

Deno.test("a registry that does not answer a login is a timeout that explains what to check", async () => {
  await using server = new ScriptedEngine(untilClosed);
  const auth = { host: "r.example.com/", user: "u", password: "secret" };
  const error = await failureOf(server.client({ loginMs: 50 }).checkLogin(auth, never));
  assert.equal(error.code, "timeout");
  assert.equal(
    error.message,
    `Registry "r.example.com" did not answer within 0.05 s: check that the device can reach it, and NO_PROXY`,
  );
});

Deno.test("a refused login is denied and does not repeat the password", async () => {
  await using server = new ScriptedEngine(
    answerWith(500, `{"message":"Get https://r/v2/: unauthorized: incorrect username or password"}`),
  );
  const error = await failureOf(server.client().checkLogin({ host: "r", user: "u", password: "secret" }, never));
  assert.equal(error.code, "denied");
  assert.match(error.message, /^The login to registry "r" failed: Get .* unauthorized/);
  assert.doesNotMatch(error.message, /secret/);
});

Deno.test("events end without an error when their signal is aborted, and with engine_unreachable when the engine closes them", async () => {
  const event = `{"Type":"container","Action":"start","Actor":{"ID":"a","Attributes":{}},"timeNano":7}\n`;
  const controller = new AbortController();
  {
    await using server = new ScriptedEngine(async (connection) => {
      await write(connection, chunkedHead + chunk(event));
      await untilClosed(connection);
    });
    const actions: string[] = [];
    let openings = 0;
    for await (const { action } of server.client().events(controller.signal, () => openings += 1)) {
      assert.equal(openings, 1);
      actions.push(action);
      controller.abort();
    }
    assert.deepEqual(actions, ["start"]);
  }
  await using server = new ScriptedEngine((connection) => write(connection, chunkedHead + chunk(event) + "0\r\n\r\n"));
  const error = await failureOf(Array.fromAsync(server.client().events(never)));
  assert.equal(error.code, "engine_unreachable");
});

Deno.test("leaving the loop over events closes the connection", async () => {
  await using server = new ScriptedEngine(async (connection) => {
    await write(connection, chunkedHead + chunk(`{"Action":"start","Actor":{"ID":"a"}}\n`));
    await untilClosed(connection);
  });
  for await (const _ of server.client().events(never)) break;
});

Deno.test("at most 16 calls have a connection at once, and streams do not count", async () => {
  let open = 0;
  let most = 0;
  await using engine = new ScriptedEngine(async (connection, head) => {
    if (head.startsWith("GET /events")) {
      await write(connection, chunkedHead);
      return await untilClosed(connection);
    }
    open += 1;
    most = Math.max(most, open);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await answerWith(200, "[]")(connection, head);
    open -= 1;
  });
  const client = engine.client();
  const end = new AbortController();
  const opened: Promise<void>[] = [];
  const followed = Array.from({ length: 20 }, async () => {
    const isOpen = Promise.withResolvers<void>();
    opened.push(isOpen.promise);
    for await (const event of client.events(end.signal, isOpen.resolve)) assert.fail(JSON.stringify(event));
  });
  await Promise.all(opened);
  const answers = await Promise.all(Array.from({ length: 100 }, () => client.listContainersRaw(never)));
  end.abort();
  await Promise.allSettled(followed);
  assert.equal(answers.length, 100);
  assert.equal(most, 16);
});

Deno.test("#13: the deadline of a call runs from when it is sent, not while it waits for a place", async () => {
  await using server = new ScriptedEngine(async (connection, head) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await answerWith(200, `{"DockerRootDir":"/data"}`)(connection, head);
  });
  const client = server.client({ dataRootMs: 2_000, pingMs: 2_000 });
  // 160 calls of 300 ms, 16 at a time, take longer than the deadline of each.
  const calls = Array.from({ length: 160 }, () => client.dataRoot(never));
  await new Promise((resolve) => setTimeout(resolve, 10));
  const isFirst = await Promise.race([client.ping(never).then(() => true), Promise.all(calls).then(() => false)]);
  assert.ok(isFirst, "a ping does not wait behind them");
  assert.deepEqual(new Set(await Promise.all(calls)), new Set(["/data"]));
});

Deno.test("#13: a call that waits for a place ends at once when it is aborted", async () => {
  await using server = new ScriptedEngine(untilClosed);
  const client = server.client();
  const life = new AbortController();
  const calls = Array.from({ length: 20 }, () => failureOf(client.listImages(life.signal)));
  await new Promise((resolve) => setTimeout(resolve, 10));
  life.abort();
  assert.deepEqual(new Set((await Promise.all(calls)).map(({ code }) => code)), new Set(["canceled"]));
});
