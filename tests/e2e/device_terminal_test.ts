// box engine registry crossbar
/** Terminals on the device itself: a real shell, through a real router. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { deviceUri } from "../../lib/backend/uris.ts";
import type { Session } from "../../lib/wamp/session.ts";
import { addAccount, grant } from "../../scripts/studio/accounts.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { AgentFixture, outsider } from "./agent_fixture.ts";
import { assertRefuses, replaceShell, terminalShells, untilNoProcess, untilNoShell } from "./terminal_shells.ts";
import { readTopics, TerminalViewer } from "./terminal_viewer.ts";

interface DeviceTerminals {
  fixture: AgentFixture;
  device: AddedDevice;
  agent: AgentProcess;
  owner: Session;
}

const name = "init_device_terminal";

const cases: Record<string, (terminals: DeviceTerminals) => Promise<void>> = {
  "two calls at once open one shell, in a session and a size of its own": async ({ owner, device }) => {
    const call = () => owner.call(deviceUri(device.serial, name));
    const [first, second] = await Promise.all([call(), call()]);
    assert.deepEqual(first.args, second.args);
    const viewer = await TerminalViewer.openDevice(owner, device.serial);
    assert.deepEqual(readTopics(first.args[0]), viewer.topics);
    assert.match(viewer.topics.dataTopic, /^re\.mgmt\.serial-1\.data\.[0-9a-f-]{36}$/);
    assert.match(viewer.topics.writeTopic, /^re\.mgmt\.serial-1\.term_write\.[0-9a-f-]{36}$/);
    assert.match(viewer.topics.resizeTopic, /^re\.mgmt\.serial-1\.term_resize\.[0-9a-f-]{36}$/);
    await viewer.until("# ");
    const [pid] = await terminalShells();
    assert.equal((await terminalShells()).length, 1);
    await viewer.type("stty size; echo $TERM:$USER:$HOME:${LANG:+lang}; ps -o sid= -p $$\r");
    await viewer.until(/24 80\r\n.*xterm-256color:root:\/root:lang/s);
    await viewer.until(new RegExp(`\\n *${pid}\\r`));
    await viewer.resize([50.9, 120]);
    await viewer.type("stty size\r");
    await viewer.until("50 120");
    await assertRefuses(viewer.resize(["x", 1]), "failed to parse height: unexpected type string");
    await assertRefuses(viewer.resize([1, 40_000]), "failed to parse width: out of range: 40000");
    await viewer.resize([0, 80]);
    await viewer.type("echo grüße-€-😀-$((1+1))\r");
    await viewer.until("grüße-€-😀-2");
    await viewer.type("exit\r");
    await viewer.untilEnd();
    await untilNoShell();
    assert.equal(viewer.ends, 1);
    const again = await TerminalViewer.openDevice(owner, device.serial);
    assert.notEqual(again.topics.sessionID, viewer.topics.sessionID);
    await again.type("sleep 1000 & exit\r");
    await again.untilEnd();
    await untilNoShell();
  },

  "20 MB printed and 2 MB typed arrive whole": async ({ owner, device }) => {
    const viewer = await TerminalViewer.openDevice(owner, device.serial);
    await viewer.until("# ");
    await viewer.type("stty -opost; printf '%s' '<<''<'; seq 1 2700000 | head -c 20000000; printf '%s' '>>''>'\r");
    await viewer.until(">>>", { limitMs: 120_000 });
    const shown = new TextDecoder().decode(viewer.all);
    const seq = Array.from({ length: 2_700_000 }, (_, at) => at + 1).join("\n").slice(0, 20_000_000);
    assert.ok(shown.slice(shown.indexOf("<<<") + 3, shown.indexOf(">>>")) === seq, "what was printed is not whole");
    assert.ok(Math.max(...viewer.sizes) <= 65_536);
    const line = `${"x".repeat(999)}\n`;
    await viewer.type("stty -icanon -echo -icrnl; head -c 2000000 | md5sum\r");
    await sleep(300);
    for (let part = 0; part < 20; part += 1) await viewer.type(line.repeat(100));
    await viewer.until("  -", { limitMs: 60_000 });
    assert.ok(viewer.text.includes(createHash("md5").update(line.repeat(2000)).digest("hex")));
    await viewer.type("exit\r");
    await viewer.untilEnd();
  },

  "Ctrl-C ends endless output within 300 ms, while the agent stays small": async (
    { owner, device, agent, fixture },
  ) => {
    const viewer = await TerminalViewer.openDevice(owner, device.serial);
    await viewer.until("# ");
    const rss = async () => Number(/VmRSS:\s+(\d+)/.exec(await Deno.readTextFile(`/proc/${agent.pid}/status`))?.[1]);
    const before = await rss();
    await viewer.type("yes\r");
    await sleep(5_000);
    const during = await rss();
    const pressedAt = performance.now();
    await viewer.type("\x03");
    await viewer.type("echo quiet-$((5+6))\r");
    await viewer.until("quiet-11");
    const tookMs = Math.round(performance.now() - pressedAt);
    assert.ok(tookMs < 2_000, `Ctrl-C took ${tookMs} ms`);
    assert.ok(during - before < 40_000, `${before} KiB grew to ${during}`);
    assert.equal(fixture.studio.device(device).status, "CONNECTED");
    await viewer.type("exit\r");
    await viewer.untilEnd();
  },

  "only who may maintain the device gets a shell, and at most 32 do": async ({ owner, device, fixture }) => {
    await using system = await fixture.openSystem();
    const open = (account: number) =>
      system.call(deviceUri(device.serial, name), [], { kwargs: { requestor_account_key: account } });
    await assertRefuses(open(4_711), "insufficient privileges to open the device terminal");
    const { store } = fixture.studio;
    for (let account = 100; account < 133; account += 1) {
      addAccount(store, { accountKey: account });
      grant(store, account, { deviceKey: device.deviceKey, privilege: "MAINTAIN" });
    }
    const opened = await Promise.all(Array.from({ length: 32 }, (_, at) => open(100 + at)));
    assert.equal((await terminalShells()).length, 32);
    await assertRefuses(open(132), "too many terminal sessions are open on this device (at most 32)");
    assert.deepEqual((await open(100)).args, opened[0]?.args);
    for (const { args } of opened) {
      const { writeTopic } = readTopics(args[0]);
      // Somebody else's keys have no effect.
      await owner.publish(writeTopic, ["exit 7\r"], { acknowledge: true });
    }
    await sleep(500);
    assert.equal((await terminalShells()).length, 32);
    for (const { args } of opened) await system.publish(readTopics(args[0]).writeTopic, ["exit\r"]);
    await untilNoShell();
  },

  "it works again after a restart of the router, and shows what was printed meanwhile": async (terminals) => {
    const { fixture, device } = terminals;
    const viewer = await TerminalViewer.openDevice(terminals.owner, device.serial);
    await viewer.until("# ");
    await viewer.type("for i in $(seq 1 300); do echo line-$i-; sleep 0.1; done\r");
    await viewer.until("line-20-");
    await fixture.crossbar.kill();
    await sleep(2_000);
    await fixture.crossbar.start();
    terminals.owner = await fixture.openOutsider();
    await viewer.subscribe(terminals.owner);
    await viewer.until("line-150-", { limitMs: 60_000 });
    await viewer.type("\x03echo again-$((3+3))\r", terminals.owner);
    await viewer.until("again-6");
    const lines = [...viewer.text.matchAll(/line-(\d+)-/g)].map((found) => Number(found[1]));
    assert.deepEqual(lines, lines.map((_, at) => at + 1));
    await viewer.resize([21, 71], terminals.owner);
    await viewer.type("exit\r", terminals.owner);
    await viewer.untilEnd();
    assert.equal(viewer.ends, 1);
  },

  "a killed agent leaves no shell, and a restarted one ends what is left": async (
    { fixture, owner, device, agent },
  ) => {
    const viewer = await TerminalViewer.openDevice(owner, device.serial);
    await viewer.until("# ");
    await viewer.type("trap '' HUP; PS1='stubborn '; while :; do sleep 1; done\r");
    await using system = await fixture.openSystem();
    const other = await TerminalViewer.openDevice(system, device.serial);
    await other.type(replaceShell("left-2"));
    await other.until("replaced");
    const { sessionId } = fixture.studio.device(device);
    await agent.kill();
    agent.start();
    await fixture.untilBack(device, sessionId, { limitMs: 40_000 });
    await untilNoShell();
    await untilNoProcess("left-2");
  },

  "the end of the agent ends its shells and tells their viewers": async ({ owner, device, agent }) => {
    const viewer = await TerminalViewer.openDevice(owner, device.serial);
    await viewer.until("# ");
    await viewer.type(replaceShell("stopped-2"));
    await viewer.until("replaced");
    assert.equal(await agent.stop(), 0);
    await viewer.untilEnd();
    assert.deepEqual(await terminalShells(), []);
    await untilNoProcess("stopped-2");
    assert.equal(viewer.ends, 1);
    const text = await Deno.readTextFile(agent.logFile);
    assert.ok(text.includes("A terminal has ended") && !text.includes("stubborn") && !text.includes("quiet-"));
  },
};

Deno.test("terminals on the device", async (test) => {
  await using fixture = await AgentFixture.start();
  const device = fixture.addDevice();
  const { store } = fixture.studio;
  addAccount(store, outsider);
  grant(store, outsider.accountKey, { deviceKey: device.deviceKey, privilege: "MAINTAIN" });
  await using agent = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  const terminals: DeviceTerminals = { fixture, device, agent, owner: await fixture.openOutsider() };
  for (const [name, run] of Object.entries(cases)) await test.step(name, () => run(terminals));
  await terminals.owner.close();
  await pollUntil("no shell is left", async () => (await terminalShells()).length === 0 || undefined);
});
