// box debian
/** The installation with one line, on a bare Debian and from a web server that changes what it sends. */

import assert from "node:assert/strict";
import project from "../../../deno.json" with { type: "json" };
import { build } from "../../../scripts/build.ts";
import { removeForeignFolder } from "../../../scripts/files.ts";
import { projectRoot } from "../../../scripts/paths.ts";
import { mustRun, runProgram } from "../../../scripts/programs.ts";
import { publish } from "../../../scripts/publish.ts";
import { requireBox } from "../../../scripts/testbed/box.ts";
import { partsFolder } from "../../../scripts/testbed/setup/folder.ts";
import { ownPlatform } from "../../../scripts/build/target.ts";
import { makeMinisignKeys, type MinisignKeys } from "../signing/minisign_keys.ts";

const { version } = project;
const binary = `/re-agent/${ownPlatform()}/${version}/reagent`;

/** A build that is live in a folder, and a Debian that can reach it. */
async function makePlace() {
  requireBox();
  const folder = await Deno.makeTempDir({ prefix: "reagent-install-" });
  const root = `${folder}/root`;
  await Deno.mkdir(root);
  await mustRun("tar", ["--directory", root, "--extract", "--file", partsFolder().debianArchive]);
  await mustRun("mount", ["--bind", "/proc", `${root}/proc`]);
  // What the launcher runs on; an executable needs none.
  await Deno.copyFile(Deno.execPath(), `${root}/usr/local/bin/deno`);
  const flock = { secret: "s", serial_number: "SN-1" };
  await Deno.writeTextFile(`${root}/root/device.flock`, JSON.stringify(flock));
  const keys = await makeMinisignKeys(folder);
  await release(folder, keys);
  const web = serveFolder(`${folder}/public`);
  const run = async (...args: string[]) => {
    const line = `curl -fsSL ${web.url}/re-agent/install.sh | sh -s -- --url ${web.url} ${args.join(" ")}`;
    const ended = await runInside(root, line);
    return { ...ended, text: ended.stdout + ended.stderr };
  };
  return {
    root,
    run,
    change: web.change,
    [Symbol.asyncDispose]: async () => {
      await web.server.shutdown();
      await mustRun("umount", [`${root}/proc`]);
      await removeForeignFolder(folder);
    },
  };
}

async function runInside(root: string, line: string) {
  const settings = ["-i", "HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
  return await runProgram("chroot", [root, "/usr/bin/env", ...settings, "/bin/sh", "-c", line]);
}

async function release(folder: string, keys: MinisignKeys): Promise<void> {
  const printed: string[] = [];
  const environment = Deno.env.toObject();
  const hasBase = Boolean(environment.DENORT_BIN);
  const options = {
    entry: `${projectRoot}main.ts`,
    folder: `${folder}/build`,
    targets: ownPlatform(),
    environment,
    version,
    trial: { args: ["-version"], prints: version },
    say: (text: string) => void printed.push(text),
  };
  const sign = ["--sign-key", keys.secretFile];
  const args = [...hasBase ? [] : ["--bundle-only"], ...sign, "--update-key", keys.publicFile];
  assert.equal(await build(args, options), 0, printed.join("\n"));
  const output = { isTerminal: () => false, writeSync: (bytes: Uint8Array) => bytes.length };
  const to = ["--to", `folder:${folder}/public/re-agent`, "--folder", `${folder}/build`, ...sign];
  const surroundings = { root: projectRoot, environment, output };
  assert.equal(await publish(["publish", ...to, ...hasBase ? [] : ["--launcher"]], surroundings), 0);
  assert.equal(await publish(["promote", ...to], surroundings), 0);
}

/** Serves a folder; `change` replaces single answers. */
function serveFolder(folder: string) {
  const change = new Map<string, string | undefined>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const path = new URL(request.url).pathname;
    if (change.has(path)) {
      const text = change.get(path);
      return text === undefined ? new Response("<html>no</html>", { status: 404 }) : new Response(text);
    }
    try {
      return new Response(await Deno.readFile(`${folder}${path}`));
    } catch {
      // Whatever it is, a client gets no file.
      return new Response("<html>404</html>", { status: 404 });
    }
  });
  return { server, change, url: `http://127.0.0.1:${server.addr.port}` };
}

/** Copies a program of this machine and the libraries that it needs. */
async function copyProgram(path: string, root: string): Promise<void> {
  const { stdout } = await mustRun("ldd", [path]);
  const libraries = [...stdout.matchAll(/=> (\/\S+)/g)].map(([, library = ""]) => library);
  for (const file of [path, ...libraries]) {
    if (await exists(`${root}${file}`)) continue;
    await mustRun("install", ["-D", file, `${root}${file}`]);
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

Deno.test("install.sh on a bare Debian", async (test) => {
  await using place = await makePlace();
  const { root, run, change } = place;
  const rows: [name: string, changes: [string, string | undefined][], message: RegExp][] = [
    [
      "an index that was changed",
      [["/re-agent/availableVersions.json", '{"all":"9.9.9"}']],
      /list of versions is not good/,
    ],
    ["an index without signature", [["/re-agent/availableVersions.json.minisig", undefined]], /is not signed/],
    ["an index that is missing", [["/re-agent/availableVersions.json", undefined]], /cannot fetch .*availableVersions/],
    ["an executable that is missing", [[binary, undefined]], /cannot fetch .*reagent$/m],
    ["an error page as executable", [[binary, "<html>503</html>"]], /checksum of .* is not right/],
    ["a checksum that is missing", [[`${binary}.sha256`, undefined]], /cannot fetch .*sha256/],
    ["a signature that is missing", [[`${binary}.minisig`, undefined]], /is not signed; nothing was installed/],
    ["a signature that is none", [[`${binary}.minisig`, "<html></html>"]], /is not good; nothing was installed/],
  ];
  const evil = "#!/bin/sh\necho 9.9.9\n";
  const sum = (await runProgram("sha256sum", [], { stdin: new TextEncoder().encode(evil) })).stdout.slice(0, 64);
  rows.push([
    "another executable with its checksum",
    [[binary, evil], [`${binary}.sha256`, sum]],
    /signature of .* is not good/,
  ]);
  for (const [name, changes, message] of rows) {
    await test.step(`refuses ${name}`, async () => {
      change.clear();
      for (const [path, text] of changes) change.set(path, text);
      const ended = await run("--config", "/root/device.flock");
      assert.equal(ended.code, 1, ended.text);
      assert.match(ended.text, message);
      assert.equal(await exists(`${root}/opt/reagent/reagent`), false);
    });
  }
  change.clear();
  await test.step("installs the newest version, and again over it", async () => {
    for (let count = 0; count < 2; count += 1) {
      const ended = await run("--config", "/root/device.flock");
      assert.equal(ended.code, 0, ended.text);
      assert.match(
        ended.text,
        /the signature is good\n[^]*start it with: reagent -config \/opt\/reagent\/device\.flock/,
      );
    }
    assert.equal(await Deno.readLink(`${root}/opt/reagent/reagent`), `reagent-v${version}`);
    const { mode } = await Deno.stat(`${root}/opt/reagent/device.flock`);
    assert.equal((mode ?? 0) & 0o777, 0o600);
    const ended = await runInside(root, "reagent -version");
    assert.equal(ended.stdout, `${version}\n`, ended.stderr);
    const left = [...Deno.readDirSync(`${root}/opt/reagent/downloads`)].map(({ name }) => name);
    assert.deepEqual(left, []);
  });
  await test.step("verifies with minisign where it is installed, or the checksum only when told so", async () => {
    await copyProgram("/usr/bin/minisign", root);
    assert.match((await run()).text, /the signature is good/);
    change.set(binary, evil);
    change.set(`${binary}.sha256`, sum);
    assert.match((await run()).text, /signature of .* is not good/);
    change.clear();
    change.set(`${binary}.minisig`, undefined);
    assert.match((await run("--checksum-only")).text, /the checksum is right; the signature was not looked at/);
    change.clear();
  });
  await test.step("a failed installation of another version leaves the one before", async () => {
    const ended = await run("--config", "/root/device.flock", "--version", "9.9.9");
    assert.equal(ended.code, 1);
    assert.equal(await Deno.readLink(`${root}/opt/reagent/reagent`), `reagent-v${version}`);
  });
  await test.step("says what is wrong with its arguments", async () => {
    for (const args of [["--nonsense"], ["--config"], ["--config", "/missing"], ["--version", "../evil"]]) {
      const ended = await run(...args);
      assert.equal(ended.code, 1, args.join(" "));
      assert.match(ended.text, /^install: /m);
    }
  });
});
