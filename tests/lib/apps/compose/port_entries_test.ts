import assert from "node:assert/strict";
import { countDeclarations, parsePortEntry, portEntriesOf } from "../../../../lib/apps/compose/port_entries.ts";

const cases: [entry: unknown, expected: string | undefined][] = [
  ["80", "80>80/tcp"],
  [80, "80>80/tcp"],
  ["8080:80", "8080:80/tcp"],
  ["8080:80/", "8080:80/tcp"],
  ["8080:80/udp", "8080:80/udp"],
  ["8080:80/TCP", "8080:80/tcp"],
  ["127.0.0.1:8080:80", "8080:80/tcp"],
  ["[::1]:8080:80/udp", "8080:80/udp"],
  ["127.0.0.1::80", "80>80/tcp"],
  [":80", "80>80/tcp"],
  ["0:80", "80>80/tcp"],
  [{ target: 80 }, "80>80/tcp"],
  [{ target: "80", published: 8080 }, "8080:80/tcp"],
  [{ target: 80, published: "8080", protocol: "UDP", host_ip: "::1" }, "8080:80/udp"],
  [{ target: 80, published: "" }, "80>80/tcp"],
  [{ target: 80, published: "8080-8090" }, undefined],
  [{ target: 80, published: "${P}" }, undefined],
  [{ target: 80, protocol: "sctp" }, undefined],
  [{ target: 80, protocol: 7 }, undefined],
  [{ published: 80 }, undefined],
  ["3000-3005", undefined],
  ["9090-9091:8080-8081", undefined],
  ["49100:22/sctp", undefined],
  ["${A}:80", undefined],
  ["127.0.0.1:80", undefined],
  ["localhost:80:80", undefined],
  ["::1:80:80", undefined],
  [" 80", undefined],
  ["80:0", undefined],
  ["70000:80", undefined],
  [80.5, undefined],
  [-80, undefined],
  [null, undefined],
  [["80:80"], undefined],
];

for (const [entry, expected] of cases) {
  Deno.test(`apps.md 4.3: parsePortEntry() of ${JSON.stringify(entry)}`, () => {
    const found = parsePortEntry(entry);
    const text = found && `${found.port}${found.hasHostPort ? ":" : ">"}${found.containerPort}/${found.transport}`;
    assert.equal(text, expected);
  });
}

Deno.test("portEntriesOf() tells apart what the agent publishes, what stays, and what is on the host's network", () => {
  const { entries, others, hostNetwork } = portEntriesOf({
    services: {
      web: { ports: ["8080:80", "9000-9001:9000-9001", { target: 81, published: "$P" }] },
      ha: { network_mode: "host", ports: ["8123:8123"] },
      vpn: { network_mode: "service:web", ports: ["1:1"] },
      none: { ports: "80:80" },
      no: null,
    },
  });
  assert.deepEqual(entries.map(({ service, port }) => `${service} ${port}`), ["web 8080"]);
  assert.deepEqual(others, ["web: 9000-9001:9000-9001", 'web: {"target":81,"published":"$P"}']);
  assert.deepEqual(hostNetwork.map(({ service, port }) => `${service} ${port}`), ["ha 8123"]);
  assert.deepEqual(portEntriesOf({ services: [] }).entries, []);
});

Deno.test("countDeclarations() counts the services that declare a port", () => {
  const services = {
    a: { ports: ["80:8080", "127.0.0.1:80:80"] },
    b: { ports: [80] },
    c: { ports: ["81:80", "80/udp"] },
  };
  assert.equal(countDeclarations({ services }, { port: 80, transport: "tcp" }), 2);
  assert.equal(countDeclarations({ services }, { port: 80, transport: "udp" }), 1);
  assert.equal(countDeclarations({ services }, { port: 8080, transport: "tcp" }), 0);
  assert.equal(countDeclarations(null, { port: 80, transport: "tcp" }), 0);
});
