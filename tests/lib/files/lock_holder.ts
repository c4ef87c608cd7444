/** Takes the lock of its argument, says so, and holds it until it is killed. */

import { lockFile } from "../../../lib/files/lock_file.ts";

const { kind } = await lockFile(Deno.args[0] ?? "", 0o644);
await Deno.stdout.write(new TextEncoder().encode(`${kind}\n`));
await new Promise(() => setInterval(() => {}, 60_000));
