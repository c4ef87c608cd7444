// box engine registry crossbar
/** The agent takes a new version of itself through a real router and from a real server, and refuses a wrong one. */

import assert from "node:assert/strict";
import { deviceUri } from "../../lib/backend/uris.ts";
import { isDict } from "../../lib/base/json.ts";
import { agentVersion, buildArch } from "../../lib/version.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { answerFrom, DownloadServer } from "../fakes/download_server.ts";
import { programOf, ReleaseBucket } from "../fakes/release_bucket.ts";
import { makeUpdateKey } from "../fakes/update_key.ts";
import { AgentFixture, outsider } from "./agent_fixture.ts";

const version = "99.0.0";
const sizeBytes = programOf(version).length;
const nothing = { CurrentVersion: agentVersion, DidTunnelUpdate: false, InProgress: false };

const { key, publicText } = await makeUpdateKey();

function newBucket(): ReleaseBucket {
  return new ReleaseBucket({ platform: `linux/${buildArch().arch}`, key });
}

Deno.test("update_agent brings a signed version onto the disk, with progress, and refuses a wrong one", async () => {
  await using fixture = await AgentFixture.start();
  const bucket = newBucket();
  await bucket.addProgram(version);
  await bucket.offer(version);
  await using server = new DownloadServer((request) => answerFrom(bucket.files, request));
  const device = fixture.addDevice();
  const agentOptions = { args: ["-remoteUpdateURL", server.base], env: { REAGENT_UPDATE_KEY: publicText } };
  await using agent = await fixture.startAgent(device, agentOptions);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  const seen: unknown[] = [];
  const topic = deviceUri(device.serial, "agent_update_progress");
  await using _viewer = await fixture.studio.backend.subscribe(topic, ({ args }) => void seen.push(args[0]));
  const update = async () => (await fixture.studio.call(device, "update_agent")).args[0];
  const metadata = async () => {
    const [value] = (await fixture.studio.call(device, "get_agent_metadata")).args;
    return isDict(value) ? value : {};
  };
  assert.equal("lastUpdate" in await metadata(), false);

  await using stranger = await fixture.openOutsider();
  const refused = stranger.call(deviceUri(device.serial, "update_agent"), [], {
    kwargs: { requestor_account_key: outsider.accountKey },
  });
  await assert.rejects(refused, /insufficient privileges to update reagent/);
  assert.ok(!server.paths.includes(bucket.path(version)));

  bucket.put(bucket.path(version), programOf(version).replace("exit 0", "exit 9"));
  const wrong = await update();
  assert.ok(isDict(wrong));
  assert.match(String(wrong.Message), /^Refused version 99\.0\.0: its checksum is /);
  const { Message: _, lastUpdate: told, ...rest } = wrong;
  const did = { DidAgentUpdate: false, DidUpdate: false, TotalFileSize: 0 };
  assert.deepEqual(rest, { ...nothing, ...did, LatestVersion: version });
  await assert.rejects(Deno.stat(`${agent.folder}/reagent-v${version}`), Deno.errors.NotFound);
  const { lastUpdate } = await metadata();
  assert.ok(isDict(lastUpdate) && lastUpdate.outcome === "failed" && lastUpdate.to === version);
  assert.deepEqual(told, lastUpdate, "the answer tells it, too");

  await bucket.addProgram(version);
  seen.length = 0;
  const [good, busy] = await Promise.all([update(), update()]);
  const answers = [good, busy].filter((answer) => isDict(answer) && answer.InProgress === false);
  assert.deepEqual(answers[0], {
    ...nothing,
    ...{ LatestVersion: version, Message: "Version 99.0.0 is in its place", TotalFileSize: sizeBytes },
    ...{ DidAgentUpdate: true, DidUpdate: true },
    lastUpdate: { from: agentVersion, to: version, outcome: "ready", why: "" },
  });
  const place = `${agent.folder}/reagent-v${version}`;
  const { mode } = await Deno.stat(place);
  assert.equal((mode ?? 0) & 0o7777, 0o755);
  assert.equal(await Deno.readTextFile(place), programOf(version));
  await pollUntil("the last progress", () => {
    const last = seen.at(-1);
    return Promise.resolve(
      (isDict(last) && last.currentBytes === sizeBytes && last.fileSize === sizeBytes) || undefined,
    );
  });
  assert.deepEqual((await metadata()).lastUpdate, { from: agentVersion, to: version, outcome: "ready", why: "" });
});

Deno.test("an agent with -update looks for a new version after its start, once, and may be killed meanwhile", async () => {
  await using fixture = await AgentFixture.start();
  const bucket = newBucket();
  await bucket.addProgram(version);
  await bucket.offer(version);
  let isCut = true;
  await using server = new DownloadServer((request) => {
    const answer = answerFrom(bucket.files, request);
    if (request.path !== bucket.path(version) || !isCut) return answer;
    return { head: answer.head, body: answer.body?.subarray(0, 90_000) ?? new Uint8Array(), isHanging: true };
  });
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device, {
    args: ["-update"],
    env: { REAGENT_UPDATE_KEY: publicText },
    flock: { update_url: server.base },
  });
  const partial = `${agent.folder}/downloads/reagent-v${version}`;
  await pollUntil("a part of the download", async () => {
    const { size } = await Deno.stat(partial).catch(() => ({ size: 0 }));
    return size === 90_000 || undefined;
  });
  await agent.kill();
  isCut = false;
  server.requests.length = 0;
  agent.start();
  await agent.waitForLog("A new version is in its place");
  const asked = server.requests.find(({ path }) => path === bucket.path(version));
  assert.equal(asked?.headers.get("range"), "bytes=90000-");
  assert.equal(await Deno.readTextFile(`${agent.folder}/reagent-v${version}`), programOf(version));
  assert.equal(await agent.stop(), 0);
});
