import assert from "node:assert/strict";
import { busSocketPaths } from "../../../lib/dbus/bus_address.ts";
import { hasCode } from "../../../lib/base/errors.ts";

Deno.test("busSocketPaths() reads the addresses that a system bus can have", () => {
  const rows: [address: string | undefined, paths: string[]][] = [
    [undefined, ["/run/dbus/system_bus_socket"]],
    ["", ["/run/dbus/system_bus_socket"]],
    ["unix:path=/a/b", ["/a/b"]],
    ["unix:path=/a%20b,guid=0123", ["/a b"]],
    ["unix:guid=0123,path=/a%zz", ["/a%zz"]],
    ["unix:abstract=x", ["\0x"]],
    ["tcp:host=h,port=1;unix:path=/a; unix:path=/b", ["/a", "/b"]],
    ["unix:path=/a=b", ["/a=b"]],
  ];
  for (const [address, paths] of rows) assert.deepEqual(busSocketPaths(address), paths, address);
});

Deno.test("busSocketPaths() refuses an address without a unix socket", () => {
  for (const address of ["tcp:host=h,port=1", "nonsense", "unix:", ";", "unixexec:path=/bin/sh"]) {
    assert.throws(() => busSocketPaths(address), (error) => hasCode(error, "bus_unreachable"));
  }
});
