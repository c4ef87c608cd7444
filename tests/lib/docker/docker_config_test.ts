import assert from "node:assert/strict";
import { cliConfig, DockerConfigs } from "../../../lib/docker/docker_config.ts";
import { endMarkedProcesses } from "../../../lib/host/marked_processes.ts";
import { untilExecuted } from "../../../scripts/testbed/background.ts";
import { never } from "../../fakes/fake_handler_device.ts";

const login = (host: string, user = "u", password = "p") => ({ host, user, password });
const entry = (text: string) => ({ auth: btoa(text) });

Deno.test("cliConfig() has an entry for each registry as the command line looks it up", () => {
  const logins = [
    login("Registry.example.com:5000/"),
    login("https://ghcr.io/v2/", "a", "b:c"),
    login("docker.io"),
    login("registry.example.com:5000", "later"),
    login(" "),
  ];
  assert.deepEqual(cliConfig(logins, undefined), {
    auths: {
      "registry.example.com:5000": entry("u:p"),
      "ghcr.io": entry("a:b:c"),
      "https://index.docker.io/v1/": entry("u:p"),
    },
  });
  for (const name of ["index.docker.io", "https://index.docker.io/v1/", "registry-1.docker.io", "DOCKER.io/"]) {
    assert.deepEqual(Object.keys(Object(cliConfig([login(name)], undefined).auths)), ["https://index.docker.io/v1/"]);
  }
});

Deno.test("cliConfig() keeps places of plugins and proxies of a person, and no logins, helpers or engines", () => {
  const user = {
    auths: { "ghcr.io": entry("person:secret") },
    credsStore: "pass",
    credHelpers: { "gcr.io": "gcloud" },
    currentContext: "elsewhere",
    HttpHeaders: { a: "b" },
    cliPluginsExtraDirs: ["/opt/plugins", 7],
    proxies: { default: { httpProxy: "http://proxy:3128" } },
  };
  assert.deepEqual(cliConfig([], user), {
    auths: { "none.invalid": {} },
    cliPluginsExtraDirs: ["/opt/plugins"],
    proxies: { default: { httpProxy: "http://proxy:3128" } },
  });
  for (const nonsense of [null, 7, "x", [], { proxies: [], cliPluginsExtraDirs: "no" }]) {
    assert.deepEqual(cliConfig([], nonsense), { auths: { "none.invalid": {} } });
  }
});

Deno.test("DockerConfigs.open() makes a closed folder with the plugins of the user, and removes it after use", async () => {
  const folder = await Deno.makeTempDir();
  const home = `${folder}/home`;
  await Deno.mkdir(`${home}/.docker/cli-plugins`, { recursive: true });
  await Deno.writeTextFile(`${home}/.docker/cli-plugins/docker-compose`, "plugin");
  await Deno.writeTextFile(`${home}/.docker/config.json`, '{"auths":{"x.io":{}},"credsStore":"pass"}');
  const umask = Deno.umask(0);
  try {
    const configs = new DockerConfigs({ folder: `${folder}/agent/docker_config`, env: { HOME: home } });
    using config = configs.open([login("r.io")]);
    const modes = [config.folder, `${config.folder}/config.json`].map((path) =>
      (Deno.statSync(path).mode ?? 0) & 0o777
    );
    assert.deepEqual(modes, [0o700, 0o600]);
    assert.equal((Deno.statSync(`${folder}/agent/docker_config`).mode ?? 0) & 0o777, 0o700);
    assert.deepEqual(JSON.parse(Deno.readTextFileSync(`${config.folder}/config.json`)), {
      auths: { "r.io": entry("u:p") },
    });
    assert.equal(Deno.readTextFileSync(`${config.folder}/cli-plugins/docker-compose`), "plugin");
  } finally {
    Deno.umask(umask);
  }
  assert.deepEqual([...Deno.readDirSync(`${folder}/agent/docker_config`)], []);
  assert.equal(Deno.readTextFileSync(`${home}/.docker/cli-plugins/docker-compose`), "plugin");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("DockerConfigs.open() prefers the user's DOCKER_CONFIG and does without one", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/own/cli-plugins`, { recursive: true });
  await Deno.writeTextFile(`${folder}/own/config.json`, "{ not json");
  const env = { HOME: `${folder}/nowhere`, DOCKER_CONFIG: `${folder}/own` };
  {
    using config = new DockerConfigs({ folder: `${folder}/c`, env }).open([]);
    assert.equal(Deno.realPathSync(`${config.folder}/cli-plugins`), Deno.realPathSync(`${folder}/own/cli-plugins`));
  }
  {
    using config = new DockerConfigs({ folder: `${folder}/c`, env: {} }).open([]);
    assert.deepEqual([...Deno.readDirSync(config.folder)].map((one) => one.name), ["config.json"]);
  }
  await Deno.writeTextFile(`${folder}/file`, "");
  assert.throws(() => new DockerConfigs({ folder: `${folder}/file`, env: {} }).open([]), { code: "io_failed" });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("DockerConfigs.open() leaves no folder behind when it cannot be filled", async () => {
  const home = await Deno.makeTempDir();
  try {
    // Stands in for a full disk: the folder is there when it fails.
    const unreadable = {
      ...login("r.example.com"),
      get password(): string {
        throw new Error("No space left on device");
      },
    };
    const configs = new DockerConfigs({ folder: `${home}/own`, env: { HOME: home } });
    assert.throws(() => configs.open([unreadable]), { code: "io_failed" });
    assert.deepEqual([...Deno.readDirSync(`${home}/own`)], []);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("DockerConfigs.endLeftOvers() ends commands of an earlier run, and nothing else", async () => {
  const folder = await Deno.makeTempDir();
  const configs = new DockerConfigs({ folder: `${folder}/c`, env: {} });
  assert.equal(await configs.endLeftOvers(never), 0);
  const { folder: left } = configs.open([login("r.io", "u", "secret")]);
  const sleepIn = (DOCKER_CONFIG: string) => {
    return new Deno.Command("sleep", { args: ["1000"], env: { DOCKER_CONFIG }, stdin: "null" }).spawn();
  };
  const own = sleepIn(left);
  const foreign = [sleepIn(`${left}2`), sleepIn(folder), sleepIn("/root/.docker")];
  for (const child of [own, ...foreign]) await untilExecuted(child);
  assert.equal(await configs.endLeftOvers(never), 1);
  assert.equal((await own.status).signal, "SIGKILL");
  assert.deepEqual([...Deno.readDirSync(`${folder}/c`)], []);
  for (const child of foreign) {
    child.kill("SIGTERM");
    assert.equal((await child.status).signal, "SIGTERM");
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("endMarkedProcesses() spares itself and those above it, and does without a process list", async () => {
  const folder = await Deno.makeTempDir();
  const add = async (pid: number, parent: number, environment: string) => {
    await Deno.mkdir(`${folder}/${pid}`);
    await Deno.writeTextFile(`${folder}/${pid}/stat`, `${pid} (a) b) S ${parent}${" 0".repeat(48)}`);
    await Deno.writeTextFile(`${folder}/${pid}/environ`, environment);
  };
  await add(Deno.pid, 4_000_001, "MARK=1\0");
  await add(4_000_001, 1, "MARK=1\0");
  await add(4_000_002, 1, "A=b\0MARK=1\0");
  await add(4_000_003, 1, "XMARK=1\0MARK=12\0B=MARK=1\0");
  await Deno.mkdir(`${folder}/4000004`);
  await Deno.mkdir(`${folder}/sys`);
  const ended: number[] = [];
  const options = { signal: never, procDir: folder, end: (pid: number) => void ended.push(pid) };
  assert.equal(await endMarkedProcesses(new Set(["MARK=1"]), options), 1);
  assert.deepEqual(ended, [4_000_002]);
  assert.equal(await endMarkedProcesses(new Set(["MARK=1"]), { ...options, procDir: `${folder}/none` }), 0);
  await Deno.remove(folder, { recursive: true });
});
