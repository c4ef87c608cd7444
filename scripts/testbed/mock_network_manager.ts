/** Starts a mock of NetworkManager, which can have Wi-Fi devices: python-dbusmock with its own template. */

import { type Background, killProcess, startInBackground } from "./background.ts";
import { requireBox } from "./box.ts";
import { isOnBus } from "./network_manager.ts";
import { pollUntil } from "./wait.ts";

/** Debian's own Python has the mock. */
const python = "/usr/bin/python3";

/** Starts it and waits until it is on the bus. Its devices are added by calls of `org.freedesktop.DBus.Mock`. */
export async function startMockManager(address: string): Promise<Background & AsyncDisposable> {
  requireBox();
  const folder = await Deno.makeTempDir({ prefix: "mock-" });
  const args = ["-m", "dbusmock", "--system", "--template", "networkmanager"];
  const env = { DBUS_SYSTEM_BUS_ADDRESS: address };
  const mock = await startInBackground(python, args, { logFile: `${folder}/mock.log`, env });
  await pollUntil("the mock is on the bus", async () => await isOnBus(address) || undefined, { limitMs: 60_000 });
  return {
    ...mock,
    [Symbol.asyncDispose]: async () => {
      await killProcess(mock.pid);
      await Deno.remove(folder, { recursive: true });
    },
  };
}
