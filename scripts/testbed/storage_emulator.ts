/** A real HTTP service with the API of Google Cloud Storage, in a box. Its buckets are in memory. */

import { readTextIfThere } from "../files.ts";
import { type Background, endProcess, isRunning, startInBackground } from "./background.ts";
import { requireBox } from "./box.ts";
import { partsFolder } from "./setup/folder.ts";
import { pollUntil } from "./wait.ts";

const port = 9_023;

/** Disposing ends it; its buckets are gone then. */
export class StorageEmulator implements AsyncDisposable {
  /** For `STORAGE_EMULATOR_HOST`. */
  readonly url = `http://127.0.0.1:${port}`;
  readonly #folder: string;
  #process: Background | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts the service with one bucket and waits until it answers. */
  static async start(bucket: string): Promise<StorageEmulator> {
    requireBox();
    const emulator = new StorageEmulator(await Deno.makeTempDir({ prefix: "s-" }));
    try {
      await emulator.#start(bucket);
    } catch (error) {
      await emulator[Symbol.asyncDispose]();
      throw error;
    }
    return emulator;
  }

  /** Removes the content of all buckets. */
  async wipe(): Promise<void> {
    await this.#ask("/wipe?keep-buckets=true");
  }

  /** What the service says about a file of the bucket. */
  async describe(bucket: string, path: string): Promise<unknown> {
    const answer: unknown = JSON.parse(await this.#ask(`/storage/v1/b/${bucket}/o/${encodeURIComponent(path)}`));
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process !== undefined) await endProcess(this.#process.pid, 2_000);
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #start(bucket: string): Promise<void> {
    const logFile = `${this.#folder}/storage.log`;
    const args = ["start", "--host", "127.0.0.1", "--port", `${port}`, "--in-memory", "--default-bucket", bucket];
    const process = await startInBackground(partsFolder().storageProgram, args, { logFile });
    this.#process = process;
    await pollUntil("the storage service answers", async () => {
      if (await this.#ask("/").then((text) => text === "OK", () => false)) return true;
      if (await isRunning(process.pid)) return undefined;
      throw new Error(`It ended:\n${await readTextIfThere(logFile)}`);
    });
  }

  async #ask(path: string): Promise<string> {
    // A client that keeps its connection open would look like a leak in the test.
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const response = await fetch(`${this.url}${path}`, { client });
    const text = await response.text();
    if (response.ok) return text;
    throw new Error(`The storage service answered ${path} with status ${response.status}`);
  }
}
