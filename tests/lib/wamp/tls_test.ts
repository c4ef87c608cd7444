import assert from "node:assert/strict";
import { noProxies } from "../../../lib/wamp/proxy.ts";
import { openStream } from "../../../lib/wamp/stream.ts";
import { type ClientCertificate, tlsOptions, trustSystemCertificates } from "../../../lib/wamp/tls.ts";
import { TestCa } from "../../../scripts/testbed/certificate_authority.ts";
import { never } from "./open_session.ts";

interface Place extends AsyncDisposable {
  ca: TestCa;
  read(file: string): Promise<string>;
}

async function makePlace(): Promise<Place> {
  const folder = await Deno.makeTempDir();
  return {
    ca: await TestCa.create(folder),
    read: (file) => Deno.readTextFile(file),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Dials a URL in a process of its own, because the runtime reads the trust store once per process. */
async function dialElsewhere(url: string, environment: Record<string, string>): Promise<string> {
  const lib = new URL("../../../lib/wamp", import.meta.url).href;
  const source = `import { Transport } from "${lib}/transport.ts";
    import { trustSystemCertificates } from "${lib}/tls.ts";
    import { systemClock as clock } from "${lib}/../async/clock.ts";
    import { silentLog as log } from "${lib}/../base/log.ts";
    trustSystemCertificates(Deno.env);
    const proxies = { http: "", https: "", none: "" };
    const signal = new AbortController().signal;
    try {
      const transport = await Transport.open({ url: "${url}", proxies, pingMs: 0, clock, log, signal });
      const { lastHeardMs } = transport;
      const answered = new Promise((resolve) => transport.setReceiver({ onMessage: resolve, onBadFrame: resolve }));
      transport.send([0]);
      await answered;
      console.log(transport.lastHeardMs > lastHeardMs ? "open" : "open and deaf");
      transport.terminate();
    } catch (error) { console.log(error.message); }`;
  const args = ["eval", "--quiet", "--no-lock", "--ext=ts", source];
  const output = await new Deno.Command(Deno.execPath(), { args, env: environment }).output();
  return new TextDecoder().decode(output.stdout).trim() + new TextDecoder().decode(output.stderr).trim();
}

Deno.test("a wss dial trusts the certificates of the operating system and checks the host name", async () => {
  await using place = await makePlace();
  const pair = await place.ca.sign("server", { names: ["DNS:localhost"] });
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: await place.read(pair.certificateFile),
    key: await place.read(pair.keyFile),
    onListen() {},
  }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "wamp.2.json" });
    socket.onmessage = () => socket.send("[0]");
    socket.onerror = () => {};
    return response;
  });
  const { port } = server.addr;
  const trusting = { SSL_CERT_FILE: place.ca.certificateFile };
  assert.equal(await dialElsewhere(`wss://localhost:${port}/ws`, trusting), "open");
  assert.match(await dialElsewhere(`wss://localhost:${port}/ws`, {}), /unable to verify/);
  assert.match(await dialElsewhere(`wss://127.0.0.1:${port}/ws`, trusting), /altnames/);
  const onlyBundled = { ...trusting, DENO_TLS_CA_STORE: "mozilla" };
  assert.match(await dialElsewhere(`wss://localhost:${port}/ws`, onlyBundled), /unable to verify/);
  await server.shutdown();
});

for (
  const [what, fromDays, toDays, expected] of [
    [
      "is not valid yet",
      2,
      4,
      /^Cannot dial localhost:\d+: the certificate is not valid yet: is the clock of the device right \((.+)\)\?$/,
    ],
    [
      "has expired",
      -4,
      -2,
      /^Cannot dial localhost:\d+: the certificate has expired: is the clock of the device right \((.+)\)\?$/,
    ],
  ] as const
) {
  Deno.test(`a wss dial to a router whose certificate ${what} asks whether the clock of the device is right`, async () => {
    await using place = await makePlace();
    const day = (days: number) => new Date(Date.now() + days * 86_400_000);
    const validity = { from: day(fromDays), to: day(toDays) };
    const pair = await place.ca.sign("server", { names: ["DNS:localhost"], validity });
    let requests = 0;
    const server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      cert: await place.read(pair.certificateFile),
      key: await place.read(pair.keyFile),
      onListen() {},
    }, () => new Response(`request ${requests += 1}`));
    const said = await dialElsewhere(`wss://localhost:${server.addr.port}/ws`, {
      SSL_CERT_FILE: place.ca.certificateFile,
    });
    assert.match(said, expected);
    assert.ok(Math.abs(Date.parse(expected.exec(said)?.[1] ?? "") - Date.now()) < 60_000, said);
    assert.equal(requests, 0);
    await server.shutdown();
  });
}

Deno.test("trustSystemCertificates() leaves the user's own choice alone", () => {
  const environment = new Map<string, string>();
  trustSystemCertificates(environment);
  assert.deepEqual([...environment], [["DENO_TLS_CA_STORE", "system,mozilla"]]);
  const chosen = new Map([["DENO_TLS_CA_STORE", "mozilla"]]);
  trustSystemCertificates(chosen);
  assert.deepEqual([...chosen], [["DENO_TLS_CA_STORE", "mozilla"]]);
});

/** A TLS server that demands a client certificate and sends lines back reversed. */
async function startMirror(place: Place): Promise<{ port: number } & AsyncDisposable> {
  const server = await place.ca.sign("mirror", { names: ["DNS:elsewhere"] });
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr;
  probe.close();
  const child = new Deno.Command("openssl", {
    args: [
      ...["s_server", "-accept", `127.0.0.1:${port}`, "-cert", server.certificateFile, "-key", server.keyFile],
      ...["-CAfile", place.ca.certificateFile, "-Verify", "1", "-verify_return_error", "-rev"],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  let output = "";
  while (!output.includes("ACCEPT")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("openssl s_server did not start");
    output += new TextDecoder().decode(value);
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await reader.cancel();
      await child.status;
    },
  };
}

async function askMirror(port: number, clientCertificate?: ClientCertificate): Promise<string> {
  const url = new URL(`wss://127.0.0.1:${port}/ws`);
  const stream = await openStream(url, { proxies: noProxies, clientCertificate, signal: never });
  const answer = new Promise<string>((resolve) => {
    stream.on("error", (error) => resolve(`error ${error.message}`));
    stream.on("data", (data) => resolve(data.toString().trim()));
  });
  stream.write("hello\n");
  const said = await answer;
  const closed = new Promise((resolve) => stream.once("close", resolve));
  stream.destroy();
  await closed;
  return said;
}

Deno.test("a server gets the client certificate, and its own is not verified", async () => {
  await using place = await makePlace();
  const files = await place.ca.sign("device");
  const pair = { certificate: await place.read(files.certificateFile), key: await place.read(files.keyFile) };
  await using mirror = await startMirror(place);
  assert.equal(await askMirror(mirror.port, pair), "olleh");
});

Deno.test("tlsOptions() refuses a pair that does not parse or belong together, without quoting it", async () => {
  await using place = await makePlace();
  const [first, second] = [await place.ca.sign("first"), await place.ca.sign("second")];
  const certificate = await place.read(first.certificateFile);
  const foreignKey = await place.read(second.keyFile);
  const pairs = [
    { certificate: "", key: "" },
    { certificate, key: "" },
    { certificate, key: "nonsense" },
    { certificate: "nonsense", key: foreignKey },
    { certificate, key: foreignKey },
  ];
  for (const pair of pairs) {
    assert.throws(() => tlsOptions("devices.example.com", pair), {
      code: "connect_failed",
      message: /^Cannot use the client certificate: (certificate or key does not parse|the key is of another one)$/,
    });
  }
});

Deno.test("tlsOptions() verifies the server unless there is a client certificate", async () => {
  await using place = await makePlace();
  const files = await place.ca.sign("device");
  const pair = { certificate: await place.read(files.certificateFile), key: await place.read(files.keyFile) };
  assert.deepEqual(tlsOptions("studio.example.com", undefined), {
    host: "studio.example.com",
    servername: "studio.example.com",
  });
  assert.deepEqual(tlsOptions("10.0.0.1", undefined), { host: "10.0.0.1" });
  const legacy = tlsOptions("devices.example.com", pair);
  assert.deepEqual([legacy.cert, legacy.key, legacy.rejectUnauthorized], [pair.certificate, pair.key, false]);
});
