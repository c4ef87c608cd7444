/**
 * The child process of a test: writes step after step to a folder, and prints the number of each once it is on the
 * disk. Ends with an error when a write fails. Arguments: what to write, the folder, the first step.
 */

import { durableKinds, openDurable } from "./durable_writes.ts";

const [name = "", folder = "", first = "1"] = Deno.args;
const print = (text: string) => void Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));

const kind = durableKinds.find((kind) => kind === name);
if (kind === undefined) throw new Error(`There is no kind "${name}"`);
print("begun");
using durable = await openDurable(kind, folder);
for (let step = Number(first); step < 100_000; step++) {
  await durable.write(step);
  print(String(step));
}
