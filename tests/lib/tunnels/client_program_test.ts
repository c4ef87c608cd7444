import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { ensureClientProgram, packedClientName } from "../../../lib/tunnels/client_program.ts";
import { tunnelClientVersion } from "../../../lib/version.ts";

const never = new AbortController().signal;
const good = `#!/bin/sh\necho " ${tunnelClientVersion} "\n`;

/** A device's folder, and a folder with a packed program. */
async function makeDevice(packed?: string): Promise<
  AsyncDisposable & { program: string; names(): string[]; ensure(): Promise<void> }
> {
  const root = await Deno.makeTempDir();
  const [agent, source] = [`${root}/agent`, `${root}/source`];
  await Deno.mkdir(agent);
  await Deno.mkdir(source);
  if (packed !== undefined) {
    const bytes = new Blob([packed]).stream().pipeThrough(new CompressionStream("gzip"));
    await Deno.writeFile(`${source}/${packedClientName()}`, bytes);
  }
  const program = `${agent}/frpc`;
  const sources = [new URL(`file://${root}/none/`), new URL(`file://${source}/`)];
  return {
    program,
    names: () => Array.from(Deno.readDirSync(agent), ({ name }) => name),
    ensure: () => ensureClientProgram({ program, sources, log: silentLog }, never),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

Deno.test("a missing client is written, for everybody to run and for its owner to change", async () => {
  await using device = await makeDevice(good);
  await device.ensure();
  assert.equal(await Deno.readTextFile(device.program), good);
  assert.equal(((await Deno.stat(device.program)).mode ?? 0) & 0o7777, 0o755);
  assert.deepEqual(device.names(), ["frpc"]);
});

const replaced: Readonly<Record<string, string>> = {
  "another version": "#!/bin/sh\necho 0.65.0\n",
  "one that fails": "#!/bin/sh\nexit 1\n",
  "what is no program": "\0\0\0",
};

for (const [name, text] of Object.entries(replaced)) {
  Deno.test(`${name} is replaced`, async () => {
    await using device = await makeDevice(good);
    await Deno.writeTextFile(device.program, text, { mode: 0o755 });
    await device.ensure();
    assert.equal(await Deno.readTextFile(device.program), good);
  });
}

Deno.test("a client of the right version is kept, whatever it is", async () => {
  await using device = await makeDevice(good);
  const own = `#!/bin/sh\n# own\necho ${tunnelClientVersion}\n`;
  await Deno.writeTextFile(device.program, own, { mode: 0o755 });
  await device.ensure();
  assert.equal(await Deno.readTextFile(device.program), own);
});

Deno.test("an agent without a client says so, and leaves what is there", async () => {
  await using device = await makeDevice();
  await Deno.writeTextFile(device.program, "old", { mode: 0o755 });
  await assert.rejects(device.ensure(), (error) => hasCode(error, "not_available"));
  assert.equal(await Deno.readTextFile(device.program), "old");
});

Deno.test("a packed client that is broken leaves nothing behind", async () => {
  await using device = await makeDevice(good);
  const root = device.program.replace(/agent\/frpc$/, "source");
  await Deno.truncate(`${root}/${packedClientName()}`, 20);
  await assert.rejects(device.ensure());
  assert.deepEqual(device.names(), []);
});

Deno.test("a client that does not run is an error", async () => {
  await using device = await makeDevice("#!/bin/sh\nexit 3\n");
  await assert.rejects(device.ensure(), (error) => hasCode(error, "command_failed"));
});
