// box engine registry crossbar
/** Installs that fail: what the device reports, and how it recovers. */

import assert from "node:assert/strict";
import { AgentFixture } from "./agent_fixture.ts";
import { untilIdle } from "./until_idle.ts";

const ticking = { prints: ["hello"], tickMs: 200 };

/** What is reported about a first run whose download fails, for any reason. */
function failedDownload(app: string, options: { isOpened: boolean }): RegExp[] {
  return [
    /^LOGGER_CLEAR$/,
    new RegExp(`^"Starting ${app}\\.\\.\\."$`),
    /^STARTING$/,
    new RegExp(`^"Initialising download for the app: ${app}\\.\\.\\."$`),
    ...(options.isOpened ? [/^DOWNLOADING$/] : []),
    /^"Error occured while trying to pull the image: .+"$/,
    /^FAILED$/,
    /^"Entered a crashloop \(1st attempt\), retrying in \d+(\.\d+)?s"$/,
  ];
}

function assertEntries(entries: readonly string[], expected: readonly RegExp[]): void {
  const isMatch = entries.length === expected.length && expected.every((one, index) => one.test(entries[index] ?? ""));
  assert.ok(isMatch, entries.join("\n"));
}

async function wrongPassword(fixture: AgentFixture): Promise<void> {
  await fixture.publish("Bank", "1", ticking);
  const device = fixture.addDevice({ studioSecret: "another-secret" });
  await using agent = await fixture.startAgent(device);
  await using transcript = await fixture.record(device, "Bank");
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await fixture.studio.request(device, "Bank", { target: "RUNNING" });
  await transcript.until('"Entered a crashloop…');
  assertEntries(transcript.entries, failedDownload("Bank", { isOpened: false }));
  assert.match(transcript.entries.join("\n"), /pull the image: .*(unauthorized|denied|incorrect|authentication)/i);
  assert.ok(!transcript.entries.join("\n").includes(device.secret), "the secret is in the app's log");
  const login = fixture.registry.logins.at(-1);
  assert.match(login?.user ?? "", /^studio-/);
  assert.equal(login?.password, device.secret);
  // Once Studio has the right secret, the app is installed without another request.
  fixture.studio.store.run("UPDATE devices SET secret = ? WHERE device_key = ?", device.secret, device.deviceKey);
  await transcript.until('"Now running app Bank (1)"');
  assert.equal(await agent.stop(), 0);
}

async function missingImage(fixture: AgentFixture): Promise<void> {
  fixture.studio.addRelease("Ghost", "1");
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device);
  await using transcript = await fixture.record(device, "Ghost");
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await fixture.studio.request(device, "Ghost", { target: "RUNNING" });
  await transcript.until('"Entered a crashloop…');
  assertEntries(transcript.entries, failedDownload("Ghost", { isOpened: false }));
  assert.match(transcript.entries.join("\n"), /pull the image: .*(not found|unknown)/i);
  await fixture.push("Ghost", "1", ticking);
  await transcript.until('"Now running app Ghost (1)"');
  assert.equal(await agent.stop(), 0);
}

async function foreignImages(fixture: AgentFixture): Promise<void> {
  await fixture.publish("Listed", "1", { foreign: "index" });
  await fixture.publish("Plain", "1", { foreign: "plain" });
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device);
  await using listed = await fixture.record(device, "Listed");
  await using plain = await fixture.record(device, "Plain");
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await fixture.studio.request(device, "Listed", { target: "RUNNING" });
  await listed.until('"Entered a crashloop…');
  assertEntries(listed.entries, failedDownload("Listed", { isOpened: true }));
  assert.match(listed.entries.join("\n"), /pull the image: .*no matching manifest/);
  await fixture.studio.request(device, "Plain", { target: "RUNNING" });
  await plain.until('"Entered a crashloop…');
  assert.match(plain.entries.join("\n"), /"The app failed to start, reason: .*(exec format|exited)/);
  assert.equal(plain.entries.at(-3), "FAILED");
  await Promise.all([
    fixture.studio.request(device, "Listed", { target: "UNINSTALLED" }).then(() => listed.until("UNINSTALLED")),
    fixture.studio.request(device, "Plain", { target: "UNINSTALLED" }).then(() => plain.until("UNINSTALLED")),
  ]);
  assert.equal(await agent.stop(), 0);
}

/** Programs that exit before they do any work: at once, after a computation, and after starting other programs. */
const exiting = {
  Blank: "exit 3",
  Eager: "i=0; while [ $i -lt 10000 ]; do i=$((i+1)); done; exit 4",
  Crowd: "for i in 1 2 3 4 5; do ls -R /bin >/dev/null; done; exit 5",
};

async function neverRunning(fixture: AgentFixture): Promise<void> {
  const names = Object.keys(exiting);
  for (const [name, runs] of Object.entries(exiting)) await fixture.publish(name, "1", { runs });
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  for (let count = 0; count < 3; count += 1) {
    const asked = await Promise.all(names.map((name) => fixture.studio.request(device, name, { target: "RUNNING" })));
    for (const [index, appName] of names.entries()) {
      const after = asked[index]?.after ?? 0;
      await fixture.studio.waitForReport(device, { appName, state: "FAILED" }, { after, limitMs: 30_000 });
    }
    await Promise.all(names.map((name) => fixture.studio.request(device, name, { target: "PRESENT" })));
    await untilIdle(agent);
  }
  const states = fixture.studio.reports(device).map(({ appName, state }) => `${appName} ${state}`);
  assert.deepEqual(states.filter((state) => state.endsWith(" RUNNING")), [], states.join());
  assert.equal(await agent.stop(), 0);
}

Deno.test("installs that fail", async (test) => {
  await using fixture = await AgentFixture.start();
  await test.step("a wrong registry password is reported, and the app runs once it is right", () =>
    wrongPassword(fixture));
  await test.step("a missing image is reported, and the app runs once it is there", () => missingImage(fixture));
  await test.step("programs that exit before they do any work are never RUNNING", () => neverRunning(fixture));
  await test.step("images for another architecture fail with a reason, and can be removed", () =>
    foreignImages(fixture));
});
