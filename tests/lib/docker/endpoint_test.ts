import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { engineEndpoint } from "../../../lib/docker/endpoint.ts";

const nothing = {
  socketPath: undefined,
  host: undefined,
  port: undefined,
  protocol: "http",
  ca: undefined,
  cert: undefined,
  key: undefined,
};

const cases = [
  { name: "no variable at all", env: {}, expected: { socketPath: "/var/run/docker.sock" } },
  { name: "an empty DOCKER_HOST", env: { DOCKER_HOST: "" }, expected: { socketPath: "/var/run/docker.sock" } },
  { name: "a socket", env: { DOCKER_HOST: "unix:///run/x.sock" }, expected: { socketPath: "/run/x.sock" } },
  { name: "unix:// without a path", env: { DOCKER_HOST: "unix://" }, expected: { socketPath: "/var/run/docker.sock" } },
  { name: "a named pipe", env: { DOCKER_HOST: "npipe:////./pipe/e" }, expected: { socketPath: "//./pipe/e" } },
  { name: "tcp", env: { DOCKER_HOST: "tcp://10.1.2.3:2375" }, expected: { host: "10.1.2.3", port: 2375 } },
  {
    name: "tcp without a port",
    env: { DOCKER_HOST: "tcp://engine.example" },
    expected: { host: "engine.example", port: 2375 },
  },
  { name: "port 2376", env: { DOCKER_HOST: "tcp://h:2376" }, expected: { host: "h", port: 2376, protocol: "https" } },
  {
    name: "DOCKER_TLS_VERIFY",
    env: { DOCKER_HOST: "tcp://h", DOCKER_TLS_VERIFY: "1" },
    expected: { host: "h", port: 2376, protocol: "https" },
  },
];

for (const { name, env, expected } of cases) {
  Deno.test(`engineEndpoint() with ${name}`, () => {
    assert.deepEqual(engineEndpoint(env, "linux"), { ...nothing, ...expected });
  });
}

Deno.test("engineEndpoint() knows the default sockets of Windows and macOS", () => {
  const home = Deno.makeTempDirSync();
  assert.equal(engineEndpoint({}, "windows").socketPath, "//./pipe/docker_engine");
  assert.equal(engineEndpoint({ HOME: home }, "darwin").socketPath, "/var/run/docker.sock");
  Deno.mkdirSync(`${home}/.docker/run`, { recursive: true });
  Deno.writeTextFileSync(`${home}/.docker/run/docker.sock`, "");
  assert.equal(engineEndpoint({ HOME: home }, "darwin").socketPath, `${home}/.docker/run/docker.sock`);
  Deno.removeSync(home, { recursive: true });
});

Deno.test("engineEndpoint() reads the certificates of DOCKER_CERT_PATH, and names the folder when it cannot", () => {
  const folder = Deno.makeTempDirSync();
  const env = { DOCKER_HOST: "tcp://h:2376", DOCKER_CERT_PATH: folder };
  assert.throws(
    () => engineEndpoint(env, "linux"),
    (error) => hasCode(error, "engine_unreachable") && error.message.includes(folder),
  );
  for (const name of ["ca", "cert", "key"]) Deno.writeTextFileSync(`${folder}/${name}.pem`, name);
  const { ca, cert, key } = engineEndpoint(env, "linux");
  assert.deepEqual({ ca, cert, key }, { ca: "ca", cert: "cert", key: "key" });
  Deno.removeSync(folder, { recursive: true });
});

for (const host of ["bogus", "10.1.2.3:4000", "ssh://user@h", "ftp://h", "tcp://", "tcp://h:99999", "unix:/x"]) {
  Deno.test(`engineEndpoint() refuses DOCKER_HOST "${host}" with a reason`, () => {
    assert.throws(() => engineEndpoint({ DOCKER_HOST: host }, "linux"), (error) => {
      assert.ok(hasCode(error, "engine_unreachable"));
      assert.equal(error.message, `DOCKER_HOST must be unix://…, npipe://… or tcp://host:port, is "${host}"`);
      return true;
    });
  });
}
