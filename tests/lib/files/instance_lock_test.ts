/**
 * Tests of the lock that keeps a second agent away, also against flock(1), which locks in the same way as other agents.
 */

import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { acquireInstanceLock, type InstanceLock } from "../../../lib/files/instance_lock.ts";
import { pathOf, projectRoot } from "../../../scripts/paths.ts";

const isRoot = Deno.uid() === 0;

Deno.test("acquireInstanceLock() refuses a second holder and explains how to stop the first", async () => {
  await using folder = await makeFolder();
  using lock = await acquireInstanceLock(`${folder.path}/lock`);
  assert.equal(lock.path, `${folder.path}/lock`);
  await assert.rejects(acquireInstanceLock(lock.path), (error) => {
    return hasCode(error, "lock_held") && error.message.includes("systemctl stop reagent") &&
      error.message.includes("already running");
  });
});

Deno.test("acquireInstanceLock() succeeds again after the first holder has released, and leaves the file", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/lock`;
  (await acquireInstanceLock(path))[Symbol.dispose]();
  assert.ok((await Deno.stat(path)).isFile);
  (await acquireReleasedLock(path))[Symbol.dispose]();
});

Deno.test("acquireInstanceLock() makes the file readable for everybody, whatever the umask is", async () => {
  await using folder = await makeFolder();
  const script = 'umask 077; exec "$0" run --no-prompt --quiet -P=tools "$1" "$2"';
  await using holder = await startHolder(["sh", "-c", script, Deno.execPath(), holderScript(), `${folder.path}/lock`]);
  assert.equal(await holder.said(), "held");
  assert.equal(((await Deno.stat(`${folder.path}/lock`)).mode ?? 0) & 0o777, 0o644);
});

Deno.test("the lock ends with a process that is killed", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/lock`;
  {
    await using holder = await startHolder(denoHolder(path));
    assert.equal(await holder.said(), "held");
    await assert.rejects(acquireInstanceLock(path), (error) => hasCode(error, "lock_held"));
  }
  using lock = await acquireInstanceLock(path);
  assert.equal(lock.path, path);
});

Deno.test("acquireInstanceLock() is excluded by flock(2) of another program, and excludes it", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/lock`;
  {
    const program = ["sh", "-c", "echo held; exec cat"];
    await using other = await startHolder(["flock", "--no-fork", "--nonblock", path, ...program]);
    assert.equal(await other.said(), "held");
    await assert.rejects(acquireInstanceLock(path), (error) => hasCode(error, "lock_held"));
  }
  using _lock = await acquireInstanceLock(path);
  const { code } = await new Deno.Command("flock", { args: ["--nonblock", "--conflict-exit-code", "75", path, "true"] })
    .output();
  assert.equal(code, 75);
});

Deno.test("acquireInstanceLock() does not mistake a removed or replaced file for the lock", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/lock`;
  using _first = await acquireInstanceLock(path);
  await Deno.rename(path, `${folder.path}/moved`);
  using _second = await acquireInstanceLock(path);
  await assert.rejects(acquireInstanceLock(path), (error) => hasCode(error, "lock_held"));
});

Deno.test("acquireInstanceLock() locks the file at the path even while it is replaced all the time", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/lock`;
  const stop = new AbortController();
  const replacing = (async () => {
    for (let round = 0; round < 100_000 && !stop.signal.aborted; round++) {
      await Deno.writeTextFile(`${folder.path}/other`, "");
      await Deno.rename(`${folder.path}/other`, path);
    }
  })();
  try {
    for (let round = 0; round < 20; round++) {
      try {
        using _lock = await acquireReleasedLock(path);
      } catch (error) {
        assert.ok(hasCode(error, "io_failed"), String(error));
      }
    }
  } finally {
    stop.abort();
    await replacing;
  }
  using _lock = await acquireReleasedLock(path);
  await assert.rejects(acquireInstanceLock(path), (error) => hasCode(error, "lock_held"));
});

Deno.test("acquireInstanceLock() locks a file of another user in a shared folder", { ignore: !isRoot }, async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/lock`;
  await Deno.chmod(folder.path, 0o1777);
  await Deno.writeTextFile(path, "");
  await Deno.chown(path, 12_345, 12_345);
  await Deno.chmod(path, 0o444);
  using lock = await acquireInstanceLock(path);
  assert.equal(lock.path, path);
});

Deno.test("acquireInstanceLock() does not wait for a pipe or a folder in its place", async () => {
  await using folder = await makeFolder();
  await new Deno.Command("mkfifo", { args: [`${folder.path}/pipe`] }).output();
  await Deno.mkdir(`${folder.path}/folder`);
  for (const name of ["pipe", "folder"]) {
    await assert.rejects(acquireInstanceLock(`${folder.path}/${name}`), (error) => {
      return hasCode(error, "io_failed") && error.message.includes("is not a file");
    });
  }
});

Deno.test("acquireInstanceLock() names the file when its folder is missing", async () => {
  await using folder = await makeFolder();
  await assert.rejects(acquireInstanceLock(`${folder.path}/none/lock`), (error) => {
    return hasCode(error, "io_failed") && error.message.includes(`"${folder.path}/none/lock"`);
  });
});

Deno.test("acquireInstanceLock() reports a link to nothing, and creates no file at its end", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/lock`;
  await Deno.symlink(`${folder.path}/elsewhere`, path);
  await assert.rejects(acquireInstanceLock(path), (error) => {
    assert.ok(hasCode(error, "io_failed"));
    assert.equal(error.message, `Cannot open the lock file "${path}": it is a link to nothing`);
    return true;
  });
  await assert.rejects(Deno.lstat(`${folder.path}/elsewhere`), Deno.errors.NotFound);
  await Deno.writeTextFile(`${folder.path}/elsewhere`, "");
  using lock = await acquireInstanceLock(path);
  assert.equal(lock.path, path);
});

/**
 * Acquires a lock that was released a moment ago. A process that another test file starts meanwhile has a copy of the
 * open lock file until it begins its program, and the copy holds the lock.
 */
async function acquireReleasedLock(path: string): Promise<InstanceLock> {
  const untilMs = performance.now() + 5_000;
  for (;;) {
    try {
      return await acquireInstanceLock(path);
    } catch (error) {
      if (!hasCode(error, "lock_held") || performance.now() > untilMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

interface Holder extends AsyncDisposable {
  /** The first line it printed. */
  said(): Promise<string>;
}

function holderScript(): string {
  return pathOf("lock_holder.ts", import.meta.url);
}

function denoHolder(path: string): string[] {
  return [Deno.execPath(), "run", "--no-prompt", "--quiet", "-P=tools", holderScript(), path];
}

/** Starts a program that holds a lock until it is killed. */
async function startHolder(command: string[]): Promise<Holder> {
  const [program = "", ...args] = command;
  const child = new Deno.Command(program, {
    args,
    cwd: projectRoot,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  return {
    said: () => Promise.resolve(new TextDecoder().decode(value).trim()),
    [Symbol.asyncDispose]: async () => {
      await child.stdin.close();
      child.kill("SIGKILL");
      await reader.cancel();
      await child.status;
    },
  };
}

async function makeFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
