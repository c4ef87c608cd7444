/**
 * A program that does nothing but answer `bench.echo`, and `bench.list` with a list from a file: what a call costs without an agent. It
 * is started with URL, authid and secret for the router and the name of the file, and ends when its input does.
 */

import { parseJson } from "../../lib/base/json.ts";
import { openSession } from "../studio/connection.ts";
import { projectRoot } from "../paths.ts";

/** It answers this with one word. */
export const echoUri = "bench.echo";

/** It answers this with what is in the file. */
export const listUri = "bench.list";

/** Starts it and waits until it can be called; disposing ends it. `listFile` has JSON. */
export async function startBareCallee(
  login: { url: string; authid: string; secret: string },
  options: { listFile?: string } = {},
): Promise<AsyncDisposable> {
  const command = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", import.meta.filename ?? ""];
  const child = new Deno.Command(Deno.execPath(), {
    args: [...command, login.url, login.authid, login.secret, options.listFile ?? ""],
    cwd: projectRoot,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const end = async () => {
    await child.stdin.close();
    await reader.cancel();
    await child.status;
  };
  const { done } = await reader.read();
  if (!done) return { [Symbol.asyncDispose]: end };
  await end();
  throw new Error("The bare program has ended");
}

if (import.meta.main) {
  const [url = "", authid = "", secret = "", listFile = ""] = Deno.args;
  const session = await openSession({ url, authid, secret });
  await session.register(echoUri, () => Promise.resolve({ args: ["here"] }));
  const list: unknown = listFile === "" ? [] : parseJson(await Deno.readTextFile(listFile));
  await session.register(listUri, () => Promise.resolve({ args: [list] }));
  Deno.stdout.writeSync(new TextEncoder().encode("ready\n"));
  await Deno.stdin.readable.pipeTo(new WritableStream());
  await session.close();
}
