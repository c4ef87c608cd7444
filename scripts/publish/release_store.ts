/** A place that devices download from, and how a publisher writes to it. */

/** Where the content of a file comes from. */
export type Content = { file: string } | { bytes: Uint8Array<ArrayBuffer> };

/** A bucket or a folder. Paths have slashes and do not begin with one. */
export interface ReleaseStore extends Disposable {
  /** As on the command line: `gs://re-agent`. */
  readonly name: string;
  /** The paths of all files below a prefix, in their order. */
  list(prefix: string): Promise<string[]>;
  /** The content of a file; undefined when there is none. */
  read(path: string): Promise<ReadableStream<Uint8Array> | undefined>;
  /** Writes a file, completely or not at all; `onBytes` learns how many bytes have arrived. */
  write(path: string, options: { content: Content; onBytes?: (count: number) => void }): Promise<void>;
  /** Copies a file inside the store, completely or not at all. Throws when it is missing. */
  copy(from: string, to: string): Promise<void>;
  /** Removes a file; a missing one is fine. */
  remove(path: string): Promise<void>;
}

/** How many bytes the content has. */
export async function sizeOf(content: Content): Promise<number> {
  return "bytes" in content ? content.bytes.length : (await Deno.stat(content.file)).size;
}

/** A small file as text; undefined when there is none. */
export async function readSmall(store: ReleaseStore, path: string): Promise<string | undefined> {
  const stream = await store.read(path);
  return stream === undefined ? undefined : await new Response(stream).text();
}
