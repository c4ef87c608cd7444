// box engine registry crossbar
/** An upload through a real router: what arrives on the disk, what viewers see, and what it costs the agent. */

import assert from "node:assert/strict";
import { logTopic } from "../../lib/backend/uris.ts";
import { isDict } from "../../lib/base/json.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { AgentFixture } from "./agent_fixture.ts";

const chunkBytes = 1024 * 1024;
const chunks = 60;
const container = "dev_71_fan_ctl";

/** Memory of a process that nothing else uses, in MiB. */
function anonymousMib(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) / 1024;
}

Deno.test("an upload of 60 MB arrives whole, is watched by viewers, and takes little memory", async () => {
  await using fixture = await AgentFixture.start();
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  const events: unknown[] = [];
  await using _viewer = await fixture.studio.backend.subscribe(logTopic(device.serial, container), ({ args }) => {
    events.push(args[0]);
  });
  const write = (chunk: string, id = "a", fileName = "Fan_Ctl.tgz") => {
    return fixture.studio.call(device, "write_data", { args: [chunk, fileName, container, chunks * chunkBytes, id] });
  };
  const part = new Uint8Array(chunkBytes);
  for (let at = 0; at < part.length; at += 65_536) crypto.getRandomValues(part.subarray(at, at + 65_536));
  const text = part.toHex();
  const pid = agent.pid ?? 0;
  await write("BEGIN", "superseded");
  await write("00", "superseded");
  await write("BEGIN");
  await write(text);
  const before = anonymousMib(pid);
  let most = 0;
  for (let sent = 1; sent < chunks; sent += 1) {
    await write(text);
    most = Math.max(most, anonymousMib(pid));
  }
  await write("END", "superseded");
  await write("END");
  const file = await findFile(agent.folder, "Fan_Ctl.tgz");
  const arrived = await Deno.readFile(file);
  assert.equal(arrived.length, chunks * chunkBytes);
  for (let at = 0; at < chunks; at += 1) {
    assert.ok(equals(arrived.subarray(at * chunkBytes, (at + 1) * chunkBytes), part), `chunk ${at}`);
  }
  // From source the runtime's collector is not exposed, and the heap gets as large as the runtime likes.
  const isBundle = Deno.env.get("REAGENT_AGENT")?.endsWith(".js") ?? false;
  assert.ok(most - before < (isBundle ? 30 : 110), `${before} MiB became ${most}`);
  await pollUntil("the last message", () => Promise.resolve(textsOf(events).at(-1)?.startsWith("File") || undefined));
  const texts = textsOf(events);
  const begun = "Received first package on device!";
  assert.deepEqual(texts.filter((one) => !one.startsWith("Transfer")), [
    ...[begun, begun],
    "File transfer has finished, starting build...",
  ]);
  assert.equal(texts.at(-2), "Transfer Progress: 100.000%");
  assert.ok(texts.includes("Transfer Progress: 1.667%"), texts.join("\n"));
  await assert.rejects(write("END"), /We received a chunk without an active transfer/);
  for (const name of ["../x.tgz", "/etc/x", "..", "", "a\0b", "x".repeat(300)]) {
    await assert.rejects(write("BEGIN", "b", name), /Cannot store an upload as/, name);
  }
  await using stranger = await fixture.openOutsider();
  const args = ["BEGIN", "x.tgz", container, 1, "c"];
  const call = stranger.call(`re.mgmt.${device.serial}.write_data`, args);
  await assert.rejects(call, /insufficient privileges write data to device/);
  assert.equal(await agent.stop(), 0);
});

function textsOf(events: readonly unknown[]): string[] {
  return events.flatMap((event) => {
    if (!isDict(event)) return [];
    if (typeof event.chunk === "string") return [event.chunk];
    assert.equal(event.id, "Fan_Ctl.tgz");
    return [`${event.status} ${event.progress}`];
  });
}

async function findFile(folder: string, name: string): Promise<string> {
  const end = await new Deno.Command("find", { args: [folder, "-name", name] }).output();
  return new TextDecoder().decode(end.stdout).trim();
}

function equals(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
