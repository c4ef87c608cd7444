/** DEV apps: from the upload to the image, next to the engine's own build, and how fast a build and a push end. */

import { runProgram } from "../../programs.ts";
import { pollUntil, sleep } from "../../testbed/wait.ts";
import type { AgentProcess } from "../../testbed/agent_process.ts";
import { busyboxImage } from "../../testbed/dockerd.ts";
import { ensureApp } from "../../studio/releases.ts";
import { readProcessorMs } from "../agent_usage.ts";
import { echoUri, startBareCallee } from "../bare_callee.ts";
import { type BenchFixture, containerOf, type GroupOptions, startAgent, startFixture } from "../fixture.ts";
import { watchHeartbeats } from "../heartbeats.ts";
import type { Samples } from "../results.ts";
import { SlowRelay } from "../slow_relay.ts";
import { timeOf } from "../yardsticks.ts";

const app = "shop";
const uploadMb = 50;
const pushedMb = 20;
const buildRuns = 3;
const chunkBytes = 1024 * 1024;
const slowBytesPerSecond = 4_000_000;
const limitMs = 120_000;
/** By then a build or a push is in its middle. */
const middleMs = 1_500;
/** Long enough for a heartbeat after the builds. */
const beatMs = 31_000;

const copyOnly = "FROM scratch\nCOPY noise /noise\n";
const slowBuild = `FROM ${busyboxImage}\nCOPY noise /noise\nRUN sleep 600\n`;

/** Measures the rows of the group `dev`. */
export async function measureDev({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  const port = Number(fixture.studio.registryHost.split(":")[1]);
  await using relay = SlowRelay.listen({ port, bytesPerSecond: slowBytesPerSecond });
  await using agent = await startAgent(fixture, setting.program, { registryHost: relay.host });
  ensureApp(fixture.studio.store, app);
  const { lateMs, result } = await watchHeartbeats(fixture, () => measureBuilds(fixture, { agent, say }));
  const buildMs = await cancelBuild(fixture);
  const pushMs = await cancelPush(fixture);
  say(`cancel of a build: ${Math.round(buildMs)} ms, of a push: ${Math.round(pushMs)} ms`);
  await agent.stop();
  return {
    "dev.build": { values: result.values, yardstick: result.yardstick },
    "dev.upload": { values: result.uploads, yardstick: result.bareUploads },
    "dev.upload.processor": { values: result.processor },
    "dev.heartbeat": { values: [lateMs] },
    "dev.cancel.build": { values: [buildMs] },
    "dev.cancel.push": { values: [pushMs] },
  };
}

interface Builds {
  values: number[];
  yardstick: number[];
  uploads: number[];
  bareUploads: number[];
  /** Of the agent, for each upload. */
  processor: number[];
}

async function measureBuilds(
  fixture: BenchFixture,
  { agent, say }: { agent: AgentProcess; say(text: string): void },
): Promise<Builds> {
  const builds: Builds = { values: [], yardstick: [], uploads: [], bareUploads: [], processor: [] };
  // The first run fills caches.
  for (let run = 0; run <= buildRuns; run += 1) {
    const aloneMs = await buildByEngine(fixture, await archiveOf(copyOnly, uploadMb));
    const archive = await archiveOf(copyOnly, uploadMb);
    const bareMs = await uploadToBare(fixture, archive);
    const before = await readProcessorMs(agent);
    const uploadMs = await timeOf(() => upload(fixture, archive));
    const processorMs = await readProcessorMs(agent) - before;
    const buildMs = await timeOf(() => reach(fixture, "BUILT"));
    say(
      `upload of ${uploadMb} MB: ${
        Math.round(uploadMs)
      } ms (${processorMs} ms of a processor, to a program that only ` +
        `answers ${Math.round(bareMs)} ms), build ${Math.round(buildMs)} ms, the engine alone ${
          Math.round(aloneMs)
        } ms`,
    );
    if (run === 0) continue;
    builds.values.push(uploadMs + buildMs);
    builds.yardstick.push(aloneMs);
    builds.uploads.push(uploadMs);
    builds.bareUploads.push(bareMs);
    builds.processor.push(processorMs);
  }
  await sleep(beatMs);
  return builds;
}

/** An archive with a Dockerfile and a file that cannot be compressed. */
async function archiveOf(dockerfile: string, megabytes: number): Promise<Uint8Array> {
  const folder = await Deno.makeTempDir({ prefix: "b-" });
  try {
    await Deno.writeTextFile(`${folder}/Dockerfile`, dockerfile);
    using file = await Deno.open(`${folder}/noise`, { write: true, create: true });
    const block = new Uint8Array(64 * 1024);
    for (let written = 0; written < megabytes * 16; written += 1) {
      crypto.getRandomValues(block);
      await file.write(block);
    }
    const archive = `${folder}/upload.tgz`;
    const ended = await runProgram("tar", ["-C", folder, "-czf", archive, "Dockerfile", "noise"]);
    if (ended.code !== 0) throw new Error(`Cannot make an archive: ${ended.stderr}`);
    return await Deno.readFile(archive);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The same build without an agent, by the engine's own builder. */
async function buildByEngine({ engine }: BenchFixture, archive: Uint8Array): Promise<number> {
  const file = await Deno.makeTempFile({ prefix: "b-" });
  try {
    await Deno.writeFile(file, archive);
    const url = "http://engine/build?t=alone:1";
    const args = ["-sS", "--unix-socket", engine.socket, "-H", "content-type: application/x-tar", "-T", file];
    return await timeOf(async () => {
      const { stdout, stderr } = await runProgram("curl", [...args, "-X", "POST", url]);
      if (!stdout.includes("Successfully built")) throw new Error(`Cannot build: ${stdout}${stderr}`);
    });
  } finally {
    await Deno.remove(file);
  }
}

/** The same parts for a program that only answers. */
async function uploadToBare({ studio }: BenchFixture, archive: Uint8Array): Promise<number> {
  await using _callee = await startBareCallee(studio.login);
  return await timeOf(() => sendParts(archive, (part) => studio.backend.call(echoUri, [part])));
}

/** Sends an archive to the device as Studio does. */
async function upload(fixture: BenchFixture, archive: Uint8Array): Promise<void> {
  const { studio, device } = fixture;
  const container = containerOf(fixture, app).replace("prod", "dev");
  const id = crypto.randomUUID();
  const write = (part: string) =>
    studio.call(device, "write_data", { args: [part, `${app}.tgz`, container, archive.length, id] });
  await sendParts(archive, write);
}

async function sendParts(archive: Uint8Array, write: (part: string) => Promise<unknown>): Promise<void> {
  await write("BEGIN");
  for (let at = 0; at < archive.length; at += chunkBytes) await write(archive.subarray(at, at + chunkBytes).toHex());
  await write("END");
}

type DevState = "BUILDING" | "BUILT" | "PUBLISHING" | "REMOVED";

/** Requests a state and waits for the report `until`. */
async function reach(
  { studio, device }: BenchFixture,
  target: "BUILT" | "PUBLISHED" | "REMOVED",
  until: DevState = target === "PUBLISHED" ? "PUBLISHING" : target,
): Promise<void> {
  const kwargs = target === "PUBLISHED" ? { version: "1.0.0" } : {};
  const { after } = await studio.request(device, app, { stage: "DEV", target, kwargs });
  await studio.waitForReport(device, { state: until, stage: "DEV" }, { after, limitMs });
}

async function cancelBuild(fixture: BenchFixture): Promise<number> {
  await upload(fixture, await archiveOf(slowBuild, 1));
  await reach(fixture, "BUILT", "BUILDING");
  await sleep(middleMs);
  return await timeOf(async () => {
    await reach(fixture, "REMOVED");
    await pollUntil("the engine builds no more", async () => {
      return await fixture.engine.docker("ps", "--quiet") === "" || undefined;
    });
  });
}

async function cancelPush(fixture: BenchFixture): Promise<number> {
  await upload(fixture, await archiveOf(copyOnly, pushedMb));
  await reach(fixture, "PUBLISHED");
  await sleep(middleMs);
  return await timeOf(() => reach(fixture, "REMOVED"));
}
