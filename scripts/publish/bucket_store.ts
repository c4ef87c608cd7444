/** A bucket of Google Cloud Storage, over its JSON API. */

import { isDict, parseJson } from "../../lib/base/json.ts";
import { type BucketAccess, BucketClient } from "./bucket_requests.ts";
import { uploadResumable } from "./bucket_upload.ts";
import type { Content, ReleaseStore } from "./release_store.ts";

/** Every file is asked for again, so that a device sees a new index at once. */
export const cacheControl = "public, max-age=0";

/** Files appear when they are complete, and all have the cache header of the bucket. */
export class BucketStore implements ReleaseStore {
  readonly name: string;
  readonly #bucket: string;
  readonly #client: BucketClient;

  constructor(bucket: string, access: BucketAccess) {
    this.name = `gs://${bucket}`;
    this.#bucket = bucket;
    this.#client = new BucketClient(access);
  }

  async list(prefix: string): Promise<string[]> {
    const found: string[] = [];
    let page = "";
    do {
      const url = new URL(`${this.#client.endpoint}/storage/v1/b/${this.#bucket}/o`);
      url.searchParams.set("prefix", prefix);
      if (page !== "") url.searchParams.set("pageToken", page);
      const answer = parseJson(await (await this.#client.send(url.href)).text());
      const { items, nextPageToken } = isDict(answer) ? answer : {};
      for (const item of Array.isArray(items) ? items : []) if (isDict(item)) found.push(String(item.name));
      page = typeof nextPageToken === "string" ? nextPageToken : "";
    } while (page !== "");
    return found.sort();
  }

  async read(path: string): Promise<ReadableStream<Uint8Array> | undefined> {
    const response = await this.#client.send(`${this.#urlOf(path)}?alt=media`, { expects: [404] });
    if (response.status !== 404) return response.body ?? new Blob([]).stream();
    await response.body?.cancel();
    return undefined;
  }

  async write(path: string, options: { content: Content; onBytes?: (count: number) => void }): Promise<void> {
    await uploadResumable(this.#client, { bucket: this.#bucket, path, cacheControl, ...options });
    await this.#setCacheHeader(path);
  }

  async copy(from: string, to: string): Promise<void> {
    const target = `${this.#urlOf(from)}/rewriteTo/b/${this.#bucket}/o/${encodeURIComponent(to)}`;
    let token = "";
    do {
      const url = token === "" ? target : `${target}?rewriteToken=${encodeURIComponent(token)}`;
      const headers = { "content-type": "application/json" };
      const response = await this.#client.send(url, { method: "POST", headers, body: "" });
      const answer = parseJson(await response.text());
      const { done, rewriteToken } = isDict(answer) ? answer : {};
      token = done === true ? "" : String(rewriteToken);
    } while (token !== "");
    await this.#setCacheHeader(to);
  }

  async remove(path: string): Promise<void> {
    const response = await this.#client.send(this.#urlOf(path), { method: "DELETE", expects: [404] });
    await response.body?.cancel();
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  /** Services that ignore the header of an upload, and copies of older files, get it here. */
  async #setCacheHeader(path: string): Promise<void> {
    const seen = parseJson(await (await this.#client.send(this.#urlOf(path))).text());
    if (isDict(seen) && seen.cacheControl === cacheControl) return;
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ cacheControl });
    const response = await this.#client.send(this.#urlOf(path), { method: "PATCH", headers, body });
    await response.body?.cancel();
  }

  #urlOf(path: string): string {
    return `${this.#client.endpoint}/storage/v1/b/${this.#bucket}/o/${encodeURIComponent(path)}`;
  }
}
