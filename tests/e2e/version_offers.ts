/** A publisher's bucket that offers versions of the agent to devices: good ones, and programs that misbehave. */

import assert from "node:assert/strict";
import { agentVersion, buildArch } from "../../lib/version.ts";
import { answerFrom, DownloadServer } from "../fakes/download_server.ts";
import { ReleaseBucket } from "../fakes/release_bucket.ts";
import { makeUpdateKey } from "../fakes/update_key.ts";
import { AgentVersions } from "./guarded_agent.ts";
import type { UpdatedDevice } from "./updated_device.ts";

/** The bucket, behind a server on loopback. */
export class VersionOffers implements AsyncDisposable {
  readonly versions: AgentVersions;
  readonly bucket: ReleaseBucket;
  readonly server: DownloadServer;
  /** For `REAGENT_UPDATE_KEY` of agents. */
  readonly publicKey: string;
  #number = 1_796_083_200;

  private constructor({ versions, bucket, publicKey }: {
    versions: AgentVersions;
    bucket: ReleaseBucket;
    publicKey: string;
  }) {
    this.versions = versions;
    this.bucket = bucket;
    this.publicKey = publicKey;
    this.server = new DownloadServer((request) => answerFrom(bucket.files, request));
  }

  /** Builds the agent, and offers nothing. */
  static async start(): Promise<VersionOffers> {
    const { key, publicText } = await makeUpdateKey();
    const bucket = new ReleaseBucket({ platform: `linux/${buildArch().arch}`, key });
    return new VersionOffers({ versions: await AgentVersions.build(), bucket, publicKey: publicText });
  }

  /** Offers a version that behaves as `body` once it is started; without one it is a good one. */
  async offer(version: string, body?: string): Promise<void> {
    const pretender = `#!/bin/sh\n[ "$1" = -version ] && echo "${version}" && exit 0\n${body}\n`;
    const program = body === undefined ? this.versions.program(version) : pretender;
    await this.bucket.addProgram(version, { program });
    await this.bucket.offer(version, this.#number += 1);
  }

  /** Lets an agent take the bad version that is offered, and returns how long its device was away. */
  async takeBad(agent: UpdatedDevice, bad: { to: string; why: string; limitMs?: number }): Promise<number> {
    const { to, why, limitMs = 60_000 } = bad;
    const { sessionId } = agent;
    assert.equal((await agent.update()).DidUpdate, true);
    const offlineMs = await agent.offlineMs(sessionId, { limitMs });
    await agent.untilConnected(agentVersion, { limitMs });
    const { lastUpdate } = await agent.metadata();
    assert.deepEqual(lastUpdate, { from: agentVersion, to, outcome: "rolledBack", why });
    assert.deepEqual(agent.links(), { program: agentVersion, fallback: undefined });
    this.server.requests.length = 0;
    const blocked = await agent.update();
    assert.equal(blocked.Message, `Version ${to} was rolled back and is not taken again: ${why}`);
    assert.equal(blocked.DidUpdate, false);
    assert.deepEqual(blocked.lastUpdate, lastUpdate);
    assert.ok(!this.server.paths.includes(this.bucket.path(to)), "the bad version is downloaded again");
    return offlineMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}
