// box engine registry crossbar
/** Terminals in containers: on a real engine, through a real router. */

import assert from "node:assert/strict";
import { deviceUri } from "../../lib/backend/uris.ts";
import type { Session } from "../../lib/wamp/session.ts";
import { addAccount, grant } from "../../scripts/studio/accounts.ts";
import { openSession } from "../../scripts/studio/open_session.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { busyboxImage } from "../../scripts/testbed/dockerd.ts";
import { sleep } from "../../scripts/testbed/wait.ts";
import { AgentFixture, outsider } from "./agent_fixture.ts";
import { assertRefuses, replaceShell, terminalShells, untilNoProcess, untilNoShell } from "./terminal_shells.ts";
import { readTopics, TerminalViewer } from "./terminal_viewer.ts";

interface Terminals {
  fixture: AgentFixture;
  device: AddedDevice;
  agent: AgentProcess;
  /** An account with the privilege. */
  owner: Session;
  /** Somebody else on the router. */
  stranger: Session;
}

const container = "box-1";

const cases: Record<string, (terminals: Terminals) => Promise<void>> = {
  "a shell runs what is typed, in the size of the viewer, until it is stopped": async ({ owner, device }) => {
    const viewer = await TerminalViewer.openContainer(owner, { serial: device.serial, containerName: container });
    assert.match(viewer.topics.dataTopic, /^re\.mgmt\.serial-1\.term_data\.box-1\.[0-9a-f-]{36}$/);
    assert.match(viewer.topics.writeTopic, /^re\.mgmt\.serial-1\.term_write\.box-1\.[0-9a-f-]{36}$/);
    assert.match(viewer.topics.resizeTopic, /^re\.mgmt\.serial-1\.term_resize\.box-1\.[0-9a-f-]{36}$/);
    await viewer.until("# ");
    await viewer.type("stty size; echo one-$((1+1))\r");
    await viewer.until("24 80");
    await viewer.until("one-2");
    await viewer.resize([40, 132]);
    await viewer.type("stty size\r");
    await viewer.until("40 132");
    assert.equal((await terminalShells()).length, 1);
    await viewer.stop();
    assert.deepEqual(await terminalShells(), []);
    await viewer.untilEnd();
    await sleep(300);
    assert.equal(viewer.ends, 1);
    await assertRefuses(viewer.stop(), "session was not found");
    await assertRefuses(viewer.resize([1, 1]), "no callee registered");
  },

  "a shell that exits ends the terminal, once": async ({ owner, device }) => {
    const viewer = await TerminalViewer.openContainer(owner, { serial: device.serial, containerName: container });
    await viewer.type("echo the-last-words; exit\r");
    await viewer.untilEnd();
    assert.ok(viewer.text.includes("the-last-words\r\n"));
    await assertRefuses(viewer.startSession(), "session was not found");
    await sleep(300);
    assert.equal(viewer.ends, 1);
    await untilNoShell();
  },

  "a shell that ignores the hang-up is killed, and what it runs": async ({ owner, device }) => {
    const viewer = await TerminalViewer.openContainer(owner, { serial: device.serial, containerName: container });
    await viewer.type("trap '' HUP; sh -c 'trap \"\" HUP; echo loop-$((2+3)); while :; do sleep 1; done'\r");
    await viewer.until("loop-5");
    await viewer.stop();
    await untilNoShell();
  },

  "a shell that was replaced by one without any variables is killed": async ({ owner, device }) => {
    const viewer = await TerminalViewer.openContainer(owner, { serial: device.serial, containerName: container });
    await viewer.type(replaceShell("stopped-1"));
    await viewer.until("replaced");
    await viewer.stop();
    await untilNoProcess("stopped-1");
  },

  "20 MB printed and 2 MB typed arrive whole": async ({ fixture, owner, device }) => {
    const viewer = await TerminalViewer.openContainer(owner, { serial: device.serial, containerName: container });
    await viewer.until("# ");
    await fixture.engine.docker("cp", await printedFile(fixture.engine.folder), `${container}:/printed`);
    await viewer.type("stty -opost; printf '%s' '<<''<'; cat /printed; printf '%s' '>>''>'\r");
    await viewer.until(">>>", { limitMs: 120_000 });
    const shown = new TextDecoder().decode(viewer.all);
    assert.ok(shown.slice(shown.indexOf("<<<") + 3, shown.indexOf(">>>")) === printed(), "the output is not whole");
    assert.ok(Math.max(...viewer.sizes) <= 65_536);
    const line = `${"x".repeat(999)}\n`;
    await viewer.type("stty -icanon -echo; head -c 2000000 | md5sum\r");
    await sleep(300);
    for (let part = 0; part < 20; part += 1) await viewer.type(line.repeat(100));
    await viewer.until("  -", { limitMs: 60_000 });
    const sum = new TextDecoder().decode(viewer.all.subarray(-200));
    const { createHash } = await import("node:crypto");
    assert.ok(sum.includes(createHash("md5").update(line.repeat(2000)).digest("hex")), sum);
    await viewer.stop();
  },

  "Ctrl-C ends endless output within 300 ms, while the agent stays small": async (
    { owner, device, agent, fixture },
  ) => {
    const viewer = await TerminalViewer.openContainer(owner, { serial: device.serial, containerName: container });
    await viewer.until("# ");
    const rss = async () => Number(/VmRSS:\s+(\d+)/.exec(await Deno.readTextFile(`/proc/${agent.pid}/status`))?.[1]);
    const before = await rss();
    await viewer.type("yes\r");
    await sleep(8_000);
    const during = await rss();
    const pressedAt = performance.now();
    await viewer.type("\x03");
    await viewer.type("echo quiet-$((5+6))\r");
    await viewer.until("quiet-11");
    const tookMs = Math.round(performance.now() - pressedAt);
    assert.ok(tookMs < 2_000, `Ctrl-C took ${tookMs} ms`);
    assert.ok(during - before < 40_000, `${before} KiB grew to ${during}`);
    assert.equal(fixture.studio.device(device).status, "CONNECTED");
    await viewer.stop();
  },

  "terminals belong to their owner": async ({ owner, stranger, device, fixture }) => {
    await using system = await fixture.openSystem();
    const viewer = await TerminalViewer.openContainer(owner, { serial: device.serial, containerName: container });
    const spied: unknown[] = [];
    await stranger.subscribe(viewer.topics.dataTopic, ({ args }) => void spied.push(args));
    const backendSees: unknown[] = [];
    await system.subscribe(viewer.topics.dataTopic, (event) => void backendSees.push(event));
    await viewer.until("# ");
    await viewer.type("echo stolen-$((1+0))\r", stranger);
    await viewer.type("echo mine-$((1+1))\r");
    await viewer.until("mine-2");
    await viewer.type("echo backend-$((1+2))\r", system);
    await viewer.until("backend-3");
    assert.ok(!viewer.text.includes("stolen"), viewer.text);
    assert.deepEqual(spied, []);
    assert.ok(backendSees.length > 0);
    assert.deepEqual((backendSees[0] as { kwargs: unknown }).kwargs, {
      __bridge_eligible_authid__: [String(outsider.accountKey)],
    });
    const denied = "insufficient privileges to use this terminal session";
    await assertRefuses(viewer.resize([10, 10], stranger), denied);
    await viewer.resize([30, 90], system);
    const named = { kwargs: { requestor_account_key: 1 } };
    const stop = deviceUri(device.serial, "stop_terminal_session");
    await assertRefuses(system.call(stop, [{ sessionID: viewer.topics.sessionID }], named), denied);
    await assertRefuses(system.call(viewer.topics.resizeTopic, [{ height: 1, width: 1 }], named), denied);
    await assertRefuses(
      stranger.call(stop, [{ sessionID: viewer.topics.sessionID }]),
      "insufficient privileges to start a terminal session",
    );
    await viewer.stop(system);
    await viewer.untilEnd();
  },

  "foreign arguments are refused": async ({ owner, device }) => {
    const rows: [name: string, args: unknown[], text: string][] = [
      ["request_terminal_session", [], "no args found"],
      ["request_terminal_session", [null], "no args found"],
      ["request_terminal_session", ["box"], "failed to parse payload"],
      ["request_terminal_session", [{}], "failed to parse containerName"],
      ["request_terminal_session", [{ containerName: 7 }], "failed to parse containerName"],
      ["request_terminal_session", [{ containerName: "" }], "container not found"],
      ["request_terminal_session", [{ containerName: "box" }], "container not found"],
      ["request_terminal_session", [{ containerName: "../../info" }], "container not found"],
      ["request_terminal_session", [{ containerName: "a b#c" }], "container not found"],
      ["request_terminal_session", [{ containerName: "x".repeat(100_000) }], "container not found"],
      ["request_terminal_session", [{ containerName: "stopped" }], "is not running"],
      ["start_terminal_session", [], "failed to parse args, payload is missing"],
      ["start_terminal_session", [7], "failed to parse payload"],
      ["start_terminal_session", [{}], "failed to parse sessionID"],
      ["start_terminal_session", [{ sessionID: "none", registrationID: "x" }], "session was not found"],
      ["stop_terminal_session", [], "failed to parse args, payload is missing"],
      ["stop_terminal_session", [{ sessionID: "__proto__" }], "session was not found"],
    ];
    for (const [name, args, text] of rows) await assertRefuses(owner.call(deviceUri(device.serial, name), args), text);
    const viewer = await TerminalViewer.openContainer(owner, { serial: device.serial, containerName: `/${container}` });
    await viewer.until("# ");
    for (const args of [[], [7], [null]]) await owner.publish(viewer.topics.writeTopic, args, { acknowledge: true });
    await assertRefuses(owner.call(viewer.topics.resizeTopic), "failed to parse args");
    await assertRefuses(viewer.resize(["10", 10]), "failed to parse height");
    await assertRefuses(viewer.resize([10, -1]), "failed to parse width");
    await assertRefuses(viewer.resize([1e9, 10]), "failed to parse height");
    await viewer.resize([0, 0]);
    await Promise.all(Array.from({ length: 300 }, (_, at) => viewer.resize([20 + at % 9, 70 + at % 7])));
    await viewer.resize([33, 99]);
    await viewer.type("stty size\r");
    await viewer.until("33 99");
    await viewer.stop();
  },

  "twenty terminals at once, and no more than 32": async ({ owner, device }) => {
    const open = () => TerminalViewer.openContainer(owner, { serial: device.serial, containerName: container });
    const viewers = await Promise.all(Array.from({ length: 32 }, open));
    await assertRefuses(open(), "too many terminal sessions are open on this device (at most 32)");
    await Promise.all(viewers.map(async (viewer, at) => {
      await viewer.type(`echo number-$((${at}*100))\r`);
      await viewer.until(`number-${at * 100}`);
    }));
    await Promise.all(viewers.map((viewer) => viewer.stop()));
    await untilNoShell();
  },

  "a terminal works again after a restart of the router, and shows what was printed meanwhile": async (terminals) => {
    const { fixture, device } = terminals;
    const viewer = await TerminalViewer.openContainer(terminals.owner, {
      serial: device.serial,
      containerName: container,
    });
    await viewer.until("# ");
    await viewer.type("i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line-$i-; sleep 0.1; done\r");
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
    await viewer.stop(terminals.owner);
    await viewer.untilEnd();
    assert.equal(viewer.ends, 1);
    await untilNoShell();
  },

  "an app's name, with or without a service, stands for its compose project": async ({ fixture, owner, device }) => {
    const project = "prod_44_till_compose";
    for (const service of ["db", "web"]) {
      const labels = [`com.docker.compose.project=${project}`, `com.docker.compose.service=${service}`];
      const args = labels.flatMap((label) => ["--label", label]);
      const name = `${project}-${service}-1`;
      await fixture.engine.docker("run", "-d", "--name", name, "-h", service, ...args, busyboxImage, "sleep", "1000");
    }
    for (
      const [containerName, host] of [["prod_44_till", "db"], ["prod_44_till-web", "web"], [`${project}-web-1`, "web"]]
    ) {
      const viewer = await TerminalViewer.openContainer(owner, {
        serial: device.serial,
        containerName: containerName ?? "",
      });
      await viewer.until("# ");
      await viewer.type("echo host:$(hostname):\r");
      await viewer.until(`host:${host}:`);
      await viewer.stop();
    }
  },

  "a shell that leaves something running behind ends its terminal": async ({ owner, device }) => {
    const viewer = await TerminalViewer.openContainer(owner, { serial: device.serial, containerName: container });
    await viewer.until("# ");
    await viewer.type("sleep 31 & exit\r");
    await viewer.untilEnd({ limitMs: 20_000 });
    const loud = await TerminalViewer.openContainer(owner, { serial: device.serial, containerName: container });
    await loud.type("(trap '' HUP; while :; do echo loud-3 || exit; sleep 0.05; done) & exit\r");
    await loud.untilEnd({ limitMs: 20_000 });
  },

  "a terminal that is never started ends after a minute": async ({ owner, device }) => {
    const request = deviceUri(device.serial, "request_terminal_session");
    const [topics] = (await owner.call(request, [{ containerName: container }])).args;
    const { sessionID } = readTopics(topics);
    assert.equal((await terminalShells()).length, 1);
    await sleep(62_000);
    assert.deepEqual(await terminalShells(), []);
    const start = owner.call(deviceUri(device.serial, "start_terminal_session"), [{ sessionID }]);
    await assertRefuses(start, "session was not found");
  },

  "a container that is removed ends its terminal": async ({ fixture, owner, device }) => {
    await fixture.engine.docker("run", "-d", "--name", "short", busyboxImage, "sleep", "1000");
    const viewer = await TerminalViewer.openContainer(owner, { serial: device.serial, containerName: "short" });
    await viewer.until("# ");
    await fixture.engine.docker("rm", "-f", "short");
    await viewer.untilEnd();
    assert.equal(viewer.ends, 1);
    await assertRefuses(viewer.startSession(), "session was not found");
  },

  "a shell that the killed agent has left is ended at the next start": async ({ fixture, owner, device, agent }) => {
    const viewer = await TerminalViewer.openContainer(owner, { serial: device.serial, containerName: container });
    await viewer.until("# ");
    const other = await TerminalViewer.openContainer(owner, { serial: device.serial, containerName: container });
    await other.type(replaceShell("left-1"));
    await other.until("replaced");
    const { sessionId } = fixture.studio.device(device);
    await agent.kill();
    assert.equal((await terminalShells()).length, 1);
    agent.start();
    await fixture.untilBack(device, sessionId, { limitMs: 40_000 });
    await untilNoShell();
    await untilNoProcess("left-1");
    await assertRefuses(viewer.stop(), "session was not found");
    assert.equal(viewer.ends, 0);
  },

  "the log has every terminal, who opened it and why it ended, and nothing that was typed": async ({ agent }) => {
    const log = await agent.readLog();
    const text = await Deno.readTextFile(agent.logFile);
    const opened = log.filter(({ message }) => message === "A terminal was opened");
    const ended = log.filter(({ message }) => message === "A terminal has ended");
    assert.ok(opened.length > 40 && ended.length >= opened.length - 2);
    assert.ok(text.includes(`"owner":"${outsider.accountKey}"`));
    assert.ok(!text.includes("the-last-words") && !text.includes("quiet-"));
  },

  "the end of the agent ends its shells and tells their viewers": async ({ owner, device, agent }) => {
    const viewer = await TerminalViewer.openContainer(owner, { serial: device.serial, containerName: container });
    await viewer.until("# ");
    assert.equal(await agent.stop(), 0);
    await viewer.untilEnd();
    assert.deepEqual(await terminalShells(), []);
    assert.equal(viewer.ends, 1);
  },
};

/** Twenty million characters, each line another one. */
function printed(): string {
  return Array.from({ length: 2_700_000 }, (_, at) => at + 1).join("\n").slice(0, 20_000_000);
}

async function printedFile(folder: string): Promise<string> {
  const file = `${folder}/printed`;
  await Deno.writeTextFile(file, printed());
  return file;
}

Deno.test("terminals in containers", async (test) => {
  await using fixture = await AgentFixture.start();
  await fixture.engine.docker("run", "-d", "--name", container, busyboxImage, "sleep", "100000");
  await fixture.engine.docker("create", "--name", "stopped", busyboxImage, "sleep", "1");
  const device = fixture.addDevice();
  const { store } = fixture.studio;
  addAccount(store, outsider);
  grant(store, outsider.accountKey, { deviceKey: device.deviceKey, privilege: "DEVELOP" });
  grant(store, outsider.accountKey, { deviceKey: device.deviceKey, privilege: "MAINTAIN" });
  await using agent = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  const owner = await fixture.openOutsider();
  const stranger = await openSession({ url: fixture.crossbar.url, authid: "2-12", secret: "secret-of-device-12-6fAq" });
  const terminals: Terminals = { fixture, device, agent, owner, stranger };
  for (const [name, run] of Object.entries(cases)) await test.step(name, () => run(terminals));
  await Promise.all([terminals.owner.close(), stranger.close()]);
});
