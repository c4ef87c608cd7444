/** What is read from the unit of another agent. */

import assert from "node:assert/strict";
import { readUnitFacts, unitMark } from "../../../lib/install/unit_file.ts";

const reference = String.raw`# comment
[Unit]
Description=IronFlock Agent
After=network-online.target
After=docker.service  data.mount

[Service]
; another comment
User=root
WorkingDirectory=-/opt/reagent
Environment="HTTPS_PROXY=http://proxy:3128"
EnvironmentFile=-/etc/environment
ExecStartPre=/bin/sh -c 'true'
ExecStart=-/opt/reagent/reagent -config "/boot/my device.flock" \
    -prettyLogging=false
Restart=always

[Install]
WantedBy=multi-user.target
`;

Deno.test("readUnitFacts() finds command, order and variables of a unit", () => {
  assert.deepEqual(readUnitFacts(reference), {
    command: ["/opt/reagent/reagent", "-config", "/boot/my device.flock", "-prettyLogging=false"],
    workingDirectory: "/opt/reagent",
    after: ["network-online.target", "docker.service", "data.mount"],
    environmentLines: ['Environment="HTTPS_PROXY=http://proxy:3128"', "EnvironmentFile=-/etc/environment"],
    otherLines: ["User=root", "ExecStartPre=/bin/sh -c 'true'"],
    isOurs: false,
  });
});

Deno.test("readUnitFacts() takes back what an empty value takes back", () => {
  const facts = readUnitFacts(
    "[Unit]\nAfter=a\nAfter=\nAfter=b\n[Service]\nExecStart=/a\nExecStart=\nExecStart=/b c\n",
  );
  assert.deepEqual(facts.after, ["b"]);
  assert.deepEqual(facts.command, ["/b", "c"]);
});

Deno.test("readUnitFacts() knows its own units, and survives nonsense", () => {
  assert.equal(readUnitFacts(`${unitMark}\n[Service]\n`).isOurs, true);
  for (const text of ["", "\0\xff", "[", "[Service", "=", "[Service]\n=x\nExecStart", "[Service]\nExecStart='"]) {
    assert.deepEqual(readUnitFacts(text).command, []);
  }
});
