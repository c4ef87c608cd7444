/** What a publisher has put into the bucket of agents, with programs that only tell their version. */

import { createHash } from "node:crypto";
import { signContent } from "../../scripts/signing/sign.ts";
import type { SigningKey } from "../../scripts/signing/secret_key.ts";

/** The files by path, as `answerFrom()` takes them. */
export class ReleaseBucket {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #key: SigningKey | undefined;
  readonly #platform: string;

  /** `platform`: `linux/amd64`. With a key everything is signed. */
  constructor({ platform, key }: { platform: string; key?: SigningKey }) {
    this.#platform = platform;
    this.#key = key;
  }

  /** The path of a version's program. */
  path(version: string): string {
    return `/re-agent/${this.#platform}/${version}/reagent`;
  }

  /** Puts a program there, with its checksum and signature. The default one is a shell script of 200 KB. */
  async addProgram(version: string, given: { program?: string; signedAs?: string } = {}): Promise<void> {
    const { program = programOf(version), signedAs = version } = given;
    const content = new TextEncoder().encode(program);
    const path = this.path(version);
    this.files.set(path, content);
    this.put(`${path}.sha256`, `${createHash("sha256").update(content).digest("hex")}\n`);
    const fields = { timestamp: 1_796_083_200, file: "reagent", version: signedAs };
    if (this.#key !== undefined) this.put(`${path}.minisig`, await signContent(content, { key: this.#key, fields }));
  }

  /** Puts an index there that offers a version to all. */
  async offer(version: string, number = 1_796_083_200): Promise<void> {
    const text = `${JSON.stringify({ all: version, "index.number": String(number) })}\n`;
    const path = "/re-agent/availableVersions.json";
    this.put(path, text);
    const fields = { timestamp: number, file: "availableVersions.json" };
    const content = new TextEncoder().encode(text);
    if (this.#key !== undefined) this.put(`${path}.minisig`, await signContent(content, { key: this.#key, fields }));
  }

  /** Puts a text there. */
  put(path: string, text: string): void {
    this.files.set(path, new TextEncoder().encode(text));
  }
}

/** A program that tells its version and does nothing else. */
export function programOf(version: string): string {
  return `#!/bin/sh\n[ "$1" = -version ] && echo "${version}"\nexit 0\n${
    "# filler ------------------------\n".repeat(6_000)
  }`;
}
