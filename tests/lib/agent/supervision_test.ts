/** What systemd is told of the agent, on a real socket. */

import assert from "node:assert/strict";
import { feedEveryMs, superviseAgent, type SupervisionOptions } from "../../../lib/agent/supervision.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** A socket that systemd would listen on. */
function listen(address: string) {
  const socket = Deno.listenDatagram({ transport: "unixpacket", path: address.replace(/^@/, "\0") });
  return {
    next: async () => new TextDecoder().decode((await socket.receive())[0]).split("\n"),
    [Symbol.dispose]: () => socket.close(),
  };
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "n-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function options(given: Partial<SupervisionOptions> & { address: string; folder: string }): SupervisionOptions {
  const { folder, ...rest } = given;
  return {
    watchdogMicroseconds: "60000000",
    folders: [folder],
    checkHealth: () => {},
    describe: () => "Connected",
    clock: new FakeClock(),
    log: silentLog,
    ...rest,
  };
}

Deno.test("feedEveryMs() is a third of the time of the watchdog", () => {
  const table: [value: string | undefined, everyMs: number | undefined][] = [
    ["60000000", 20_000],
    ["3000000", 1_000],
    ["1", 1],
    ["0", undefined],
    ["", undefined],
    ["-5", undefined],
    ["1e9", undefined],
    ["9".repeat(40), undefined],
    [undefined, undefined],
  ];
  for (const [value, everyMs] of table) assert.equal(feedEveryMs(value), everyMs, value);
});

for (const kind of ["a path", "an abstract name"]) {
  Deno.test(`superviseAgent() says ready, feeds the watchdog, and says the end, at ${kind}`, async () => {
    await inFolder(async (folder) => {
      const address = kind === "a path" ? `${folder}/notify` : `@${folder}/notify`;
      using systemd = listen(address);
      const clock = new FakeClock();
      let line = "Not connected";
      await using supervision = superviseAgent(options({ address, folder, clock, describe: () => line }));
      assert.deepEqual(await systemd.next(), ["READY=1", "STATUS=Not connected"]);
      assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), kind === "a path" ? ["notify"] : []);
      await clock.untilSleeping();
      await clock.advance(20_000);
      assert.deepEqual(await systemd.next(), ["WATCHDOG=1"]);
      line = "Connected";
      await clock.advance(20_000);
      assert.deepEqual(await systemd.next(), ["WATCHDOG=1", "STATUS=Connected"]);
      await supervision[Symbol.asyncDispose]();
      assert.deepEqual(await systemd.next(), ["STOPPING=1", "STATUS=Ending"]);
    });
  });
}

Deno.test("superviseAgent() does not feed the watchdog while the agent is not healthy", async () => {
  await inFolder(async (folder) => {
    const address = `${folder}/notify`;
    using systemd = listen(address);
    const clock = new FakeClock();
    let isHealthy = false;
    let line = "1";
    const checkHealth = () => {
      if (!isHealthy) throw new Error("The disk is gone");
    };
    await using _supervision = superviseAgent(options({ address, folder, clock, checkHealth, describe: () => line }));
    assert.deepEqual(await systemd.next(), ["READY=1", "STATUS=1"]);
    await clock.advance(20_000);
    line = "2";
    await clock.advance(20_000);
    assert.deepEqual(await systemd.next(), ["STATUS=2"]);
    isHealthy = true;
    await clock.advance(20_000);
    assert.deepEqual(await systemd.next(), ["WATCHDOG=1"]);
  });
});

Deno.test("superviseAgent() goes on when nobody listens, and where no socket can be made", async () => {
  await inFolder(async (folder) => {
    for (const folders of [[folder], [`${folder}/missing`], []]) {
      const clock = new FakeClock();
      await using _supervision = superviseAgent({ ...options({ address: `${folder}/none`, folder, clock }), folders });
      await clock.advance(60_000);
    }
    await using supervision = superviseAgent({
      ...options({ address: `${folder}/none`, folder }),
      folders: [`${folder}/${"x".repeat(200)}`, folder],
    });
    await supervision[Symbol.asyncDispose]();
  });
});
