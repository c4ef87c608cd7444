/**
 * A program that only answers `bench.echo`, and `bench.list` with a list from a file: what a call costs without an
 * agent. Its arguments are the URL, authid and secret for the router and the name of the file; it ends with its
 * input.
 */

import { parseJson } from "../../lib/base/json.ts";
import { openSession } from "../studio/open_session.ts";
import { projectRoot } from "../paths.ts";

/** The procedure that is answered with one word. */
export const echoUri = "bench.echo";

/** The procedure that is answered with the content of the file. */
export const listUri = "bench.list";

/** What is published here is published again on the other one, as a terminal shows a key. */
export const keyTopic = "bench.key";

/** The other one. */
export const shownTopic = "bench.shown";

/** Starts the program and waits until it can be called; disposing ends it. `listFile` is JSON. */
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
  await session.subscribe(keyTopic, ({ args }) => {
    session.publish(shownTopic, args, { acknowledge: true }).catch(() => Deno.exit(1));
  });
  Deno.stdout.writeSync(new TextEncoder().encode("ready\n"));
  await Deno.stdin.readable.pipeTo(new WritableStream());
  await session.close();
}
