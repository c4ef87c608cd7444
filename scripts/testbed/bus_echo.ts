/** A small program on a bus, for tests of the agent's own connection: it is another implementation of D-Bus. */

import { readTextIfThere } from "../files.ts";
import { type Background, killProcess, startInBackground } from "./background.ts";
import { pollUntil } from "./wait.ts";

// Debian's own Python, which has the bindings that the mock of NetworkManager needs.
const python = "/usr/bin/python3";

const program = `
import sys, dbus, dbus.service, dbus.mainloop.glib, time
from gi.repository import GLib
dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.bus.BusConnection(sys.argv[1])
class Broken(dbus.DBusException):
    _dbus_error_name = "test.Error.Broken"
class Echo(dbus.service.Object):
    @dbus.service.method("test.Echo", in_signature="v", out_signature="v")
    def Echo(self, value): return value
    @dbus.service.method("test.Echo")
    def Fail(self): raise Broken("it is broken")
    @dbus.service.method("test.Echo", async_callbacks=("ok", "bad"))
    def Sleep(self, ok, bad): GLib.timeout_add(30000, ok)
    @dbus.service.method("test.Echo", in_signature="s")
    def Emit(self, text): self.Beep(text)
    @dbus.service.signal("test.Echo", signature="s")
    def Beep(self, text): pass
    @dbus.service.method("org.freedesktop.DBus.Properties", in_signature="ss", out_signature="v")
    def Get(self, interface, name): return "1"
    @dbus.service.method("org.freedesktop.DBus.Properties", in_signature="s", out_signature="a{sv}")
    def GetAll(self, interface): return {"Version": "1"}
name = dbus.service.BusName(sys.argv[2], bus)
echo = Echo(bus, "/test/Echo")
print("ready", flush=True)
GLib.MainLoop().run()
`;

/** Starts it under a name and waits until it is on the bus. */
export async function startEcho(address: string, name = "test.Echo"): Promise<Background & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ prefix: "echo-" });
  const process = await startInBackground(python, ["-c", program, address, name], { logFile: `${folder}/log` });
  await pollUntil(`${name} is on the bus`, async () => {
    return (await readTextIfThere(`${folder}/log`))?.includes("ready") || undefined;
  });
  return {
    ...process,
    [Symbol.asyncDispose]: async () => {
      await killProcess(process.pid);
      await Deno.remove(folder, { recursive: true });
    },
  };
}
