import assert from "node:assert/strict";
import {
  proxyProblem,
  readSubdomain,
  type TunnelIdentity,
  tunnelName,
  tunnelProxy,
  tunnelUrl,
} from "../../../lib/tunnels/tunnel_proxy.ts";

const domain = "app.ironflock.com";

const rows: { identity: TunnelIdentity; name: string; url: string; appName?: string }[] = [
  {
    identity: { deviceKey: 512, appName: "metrics", port: 3000, protocol: "http" },
    name: "512-metrics-3000-http",
    url: "https://512-metrics-3000.app.ironflock.com",
  },
  {
    identity: { deviceKey: 512, appName: "Metrics", port: 443, protocol: "https" },
    name: "secure-512-metrics-443-https",
    url: "https://secure-512-metrics-443.app.ironflock.com",
    appName: "metrics",
  },
  {
    identity: { deviceKey: 512, appName: "my-app_2", port: 1883, protocol: "tcp" },
    name: "512-my-app_2-1883-tcp",
    url: "tcp://512-my-app_2-1883.app.ironflock.com:31044",
  },
  {
    identity: { deviceKey: 512, appName: "7-zip-80", port: 53, protocol: "udp" },
    name: "512-7-zip-80-53-udp",
    url: "udp://512-7-zip-80-53.app.ironflock.com:31044",
  },
];

for (const { identity, name, url, appName = identity.appName } of rows) {
  Deno.test(`a tunnel of ${identity.protocol} is named ${name}, and its name can be read`, () => {
    const proxy = tunnelProxy(identity, { localIp: "", localPort: 40_000, remotePort: 31_044 });
    assert.equal(proxy.name, name);
    assert.equal(tunnelName(identity), name);
    assert.deepEqual(readSubdomain(proxy.subdomain), { appName, port: identity.port });
    assert.equal(tunnelUrl(proxy, { domain, remotePort: 31_044 }), url);
    assert.equal(proxyProblem(proxy), undefined);
  });
}

Deno.test("a tunnel without a known remote port has an address without one", () => {
  const proxy = { protocol: "tcp", subdomain: "512-a-1" } as const;
  assert.equal(tunnelUrl(proxy, { domain, remotePort: 0 }), "tcp://512-a-1.app.ironflock.com");
});

Deno.test("a proxy of http has no remote port", () => {
  const identity: TunnelIdentity = { deviceKey: 1, appName: "a", port: 80, protocol: "http" };
  assert.equal(tunnelProxy(identity, { localIp: "", localPort: 1, remotePort: 9 }).remotePort, 0);
});

Deno.test("readSubdomain() returns undefined for what is no subdomain of a tunnel", () => {
  for (const text of ["", "metrics", "512-metrics", "metrics-80"]) assert.equal(readSubdomain(text), undefined);
});

Deno.test("proxyProblem() names what the client would refuse", () => {
  const identity: TunnelIdentity = { deviceKey: 1, appName: "a", port: 80, protocol: "tcp" };
  const good = tunnelProxy(identity, { localIp: "192.168.1.7", localPort: 1, remotePort: 0 });
  assert.equal(proxyProblem(good), undefined);
  const bad = [
    { ...good, localPort: 0 },
    { ...good, localPort: 65_536 },
    { ...good, remotePort: -1 },
    { ...good, localIp: 'x"\n' },
    { ...good, subdomain: "1-a.b-80" },
    { ...good, subdomain: "1-a*-80" },
    { ...good, subdomain: `1-${"a".repeat(300)}-80` },
  ];
  for (const proxy of bad) assert.equal(typeof proxyProblem(proxy), "string");
});
