/** Takes the lock of its argument, says so, and holds it until it is killed. */

import { acquireInstanceLock } from "../../../lib/files/instance_lock.ts";

using _lock = await acquireInstanceLock(Deno.args[0] ?? "");
await Deno.stdout.write(new TextEncoder().encode("held\n"));
await new Promise(() => setInterval(() => {}, 60_000));
