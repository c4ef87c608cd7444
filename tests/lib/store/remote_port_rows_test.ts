import assert from "node:assert/strict";
import { deleteApp } from "../../../lib/store/app_rows.ts";
import { readRemotePorts, type StoredRemotePort, writeRemotePorts } from "../../../lib/store/remote_port_rows.ts";
import { Folder, warningsLog } from "./samples.ts";

const id = { appKey: 71, stage: "PROD" } as const;
const other = { appKey: 72, stage: "PROD" } as const;
const tcp: StoredRemotePort = { protocol: "tcp", port: 1883, remotePort: 31_044 };
const udp: StoredRemotePort = { protocol: "udp", port: 1883, remotePort: 31_045 };

Deno.test("writeRemotePorts() replaces the ports of one app, which are there after a restart", () => {
  using folder = new Folder();
  {
    using database = folder.open();
    writeRemotePorts(database, { id: other, ports: [udp] });
    writeRemotePorts(database, { id, ports: [tcp] });
    writeRemotePorts(database, { id, ports: [udp, tcp] });
    assert.deepEqual(readRemotePorts(database, id), [tcp, udp]);
    writeRemotePorts(database, { id, ports: [udp] });
  }
  using database = folder.open();
  assert.deepEqual(readRemotePorts(database, id), [udp]);
  assert.deepEqual(readRemotePorts(database, other), [udp]);
});

Deno.test("deleteApp() deletes the remote ports of the app", () => {
  using folder = new Folder();
  using database = folder.open();
  for (const app of [id, other]) writeRemotePorts(database, { id: app, ports: [tcp] });
  deleteApp(database, id);
  assert.deepEqual([readRemotePorts(database, id), readRemotePorts(database, other)], [[], [tcp]]);
});

Deno.test("readRemotePorts() skips rows that it cannot read", () => {
  using folder = new Folder();
  const log = warningsLog();
  using database = folder.open(log);
  writeRemotePorts(database, { id, ports: [tcp] });
  database.run("INSERT INTO ReagentRemotePorts VALUES (71, 'PROD', 'sctp', 5, 6), (71, 'PROD', 'udp', 'x', 7)");
  assert.deepEqual(readRemotePorts(database, id), [tcp]);
  assert.equal(log.warnings.length, 2);
});
