/** Replaces the file of its argument again and again, for the test that kills it. Prints a line when it has begun. */

import { silentLog } from "../../../lib/base/log.ts";
import { writeFileDurably } from "../../../lib/files/atomic_file.ts";

const contents = ["a".repeat(10), "b".repeat(5_000), "c".repeat(200_000)];

await Deno.stdout.write(new TextEncoder().encode("begun\n"));
for (let round = 0; round < 100_000; round++) {
  await writeFileDurably(Deno.args[0] ?? "", contents[round % contents.length] ?? "", { log: silentLog });
}
