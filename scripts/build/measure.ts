/** Describes the size of a result. */

/** Path and size of a file, as they are and with gzip. */
export async function measure(path: string): Promise<string> {
  const { size } = await Deno.stat(path);
  const file = await Deno.open(path);
  let gzipBytes = 0;
  for await (const chunk of file.readable.pipeThrough(new CompressionStream("gzip"))) gzipBytes += chunk.length;
  return `${path}, ${size} bytes, ${gzipBytes} with gzip`;
}
