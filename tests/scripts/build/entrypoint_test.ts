import assert from "node:assert/strict";
import { isDict, parseJson } from "../../../lib/base/json.ts";
import { readFlock } from "../../../lib/config/flock.ts";
import { imageArgs } from "../../../scripts/build/make_image.ts";
import { projectRoot } from "../../../scripts/paths.ts";
import { runProgram } from "../../../scripts/programs.ts";

interface Started {
  config: string;
  /** The arguments that the agent got. */
  args: string[];
  errors: string;
}

/** Runs the entry point with a program that prints its arguments in the place of the agent. */
async function start(
  env: Record<string, string> = {},
  { args = [] as string[], existing = undefined as string | undefined } = {},
): Promise<Started> {
  const folder = await Deno.makeTempDir();
  try {
    const config = `${folder}/new folder/device.flock`;
    await Deno.writeTextFile(`${folder}/reagent`, '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
    if (existing !== undefined) {
      await Deno.mkdir(`${folder}/new folder`);
      await Deno.writeTextFile(config, existing);
    }
    const { code, stdout, stderr } = await runProgram(`${projectRoot}scripts/build/image/entrypoint.sh`, args, {
      env: { PATH: `${folder}:/usr/bin:/bin`, AGENT_CONFIG_PATH: config, ...env },
    });
    assert.equal(code, 0, stderr);
    if (existing === undefined) assert.equal(((await Deno.stat(config)).mode ?? 0) & 0o777, 0o600);
    const lines = stdout.trimEnd().split("\n").filter((line) => !line.startsWith("reagent: wrote"));
    return {
      config: await Deno.readTextFile(config),
      args: lines.map((line) => line.replace(config, "CONFIG")),
      errors: stderr,
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the entry point of the image writes the documented defaults, and warns of the secret", async () => {
  const { config, args, errors } = await start();
  assert.deepEqual(parseJson(config), {
    name: "ironflock-instance",
    secret: "ironflock-appliance-default-secret",
    board: { model: "appliance", modelname: "IronFlock Appliance" },
    status: "DISCONNECTED",
    swarm_key: 1,
    device_key: 1,
    swarm_name: "default",
    serial_number: "00000000-0000-0000-0000-000000000001",
    authentication: { key: "", certificate: "" },
    swarm_owner_name: "admin",
    device_endpoint_url: "ws://ironflock_router:8080/ws-re-dev",
    docker_registry_url: "appstore-registry:5000/",
    "insecure-registries": "appstore-registry:5000/",
    docker_main_repository: "apps/",
  });
  const read = readFlock(config);
  assert.ok(read.kind === "read" && read.flock.missing.length === 0 && read.flock.wrongTypes.length === 0);
  assert.deepEqual(args, ["-config", "CONFIG", "-prettyLogging", "-env=local", "-nmw=false", "-update=false"]);
  assert.match(errors, /AGENT_SECRET is not set/);
});

Deno.test("the entry point writes what the environment says, whatever is in it", async () => {
  const odd = 'a "quoted" \\ name $(id) `id`\n\u001b[31m ü %s';
  const { config, args, errors } = await start({
    AGENT_DEVICE_NAME: odd,
    AGENT_SECRET: "s3cret",
    AGENT_DEVICE_KEY: "345",
    AGENT_SWARM_KEY: "x",
    AGENT_ENV: "production",
    AGENT_NMW: "true",
  }, { args: ["-debug=false"] });
  const value = parseJson(config);
  assert.ok(isDict(value));
  assert.equal(value.name, odd.replace("\n", "").replace("\u001b", ""));
  assert.deepEqual([value.device_key, value.swarm_key], [345, 1]);
  assert.deepEqual(args.slice(2), ["-prettyLogging", "-env=production", "-nmw=true", "-update=false", "-debug=false"]);
  assert.ok(!errors.includes("s3cret") && /"x" is no key/.test(errors));
});

Deno.test("the entry point never touches a file that is there", async () => {
  const { config } = await start({ AGENT_DEVICE_NAME: "other" }, { existing: '{"name":"mine"}' });
  assert.equal(config, '{"name":"mine"}');
});

Deno.test("imageArgs() names base and packages", () => {
  assert.deepEqual(imageArgs({ name: "a:1", base: "b", packages: "" }, "/c"), [
    ...["build", "--quiet", "--tag", "a:1", "--build-arg", "BASE=b", "--build-arg", "PACKAGES=", "/c"],
  ]);
});
