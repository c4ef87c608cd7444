import assert from "node:assert/strict";
import { parse } from "yaml";
import { noProxies, type ProxySettings } from "../../../lib/wamp/proxy.ts";
import {
  formatClientConfig,
  readTunnelProxies,
  type ServerAddress,
  serverAddress,
  tunnelProof,
  type TunnelSite,
} from "../../../lib/tunnels/client_config.ts";
import { tunnelProxy } from "../../../lib/tunnels/tunnel_proxy.ts";
import { pathOf } from "../../../scripts/paths.ts";

const none = { wss: noProxies, tcp: noProxies };
const cloud: TunnelSite = {
  secret: "s3cret-demo",
  deviceKey: 512,
  applianceDomain: "",
  environment: "production",
  endpointUrl: "wss://cbw.ironflock.com/ws-ua-usr",
};
const appliance: TunnelSite = {
  ...cloud,
  applianceDomain: "box.example.com",
  endpointUrl: "wss://cbw.box.example.com/ws",
};
const metrics = tunnelProxy({ deviceKey: 512, appName: "metrics", port: 3000, protocol: "http" }, {
  localIp: "",
  localPort: 40_007,
  remotePort: 0,
});
const mqtt = tunnelProxy({ deviceKey: 512, appName: "metrics", port: 1883, protocol: "tcp" }, {
  localIp: "",
  localPort: 40_008,
  remotePort: 31_044,
});
const camera = tunnelProxy({ deviceKey: 512, appName: "metrics", port: 53, protocol: "udp" }, {
  localIp: "192.168.1.20",
  localPort: 53,
  remotePort: 0,
});
const admin = { port: 7_411, user: "reagent", password: "p4ss" };

async function golden(name: string): Promise<string> {
  return await Deno.readTextFile(pathOf(`golden/${name}`, import.meta.url));
}

const files: { name: string; text: () => string }[] = [
  {
    name: "cloud.yaml",
    text: () =>
      formatClientConfig({
        server: serverAddress(cloud, none),
        proof: tunnelProof(cloud),
        admin,
        logFile: "/var/log/frpc.log",
        proxies: [metrics, mqtt, camera],
      }),
  },
  {
    name: "appliance_behind_proxy.yaml",
    text: () =>
      formatClientConfig({
        server: serverAddress(appliance, { ...none, wss: { ...noProxies, https: "http://u:p%7B%7B@proxy.lan:3128" } }),
        proof: undefined,
        admin,
        logFile: "/var/log/frpc.log",
        proxies: [],
      }),
  },
];

for (const { name, text } of files) {
  Deno.test(`formatClientConfig() writes ${name}`, async () => {
    assert.equal(text(), await golden(name));
  });
}

Deno.test("the configuration of the cloud says what the tunnel server expects", async () => {
  assert.deepEqual(parse(await golden("cloud.yaml")), {
    serverAddr: "app.ironflock.com",
    serverPort: 7000,
    transport: { proxyURL: "", tls: { enable: true } },
    metadatas: { tunnel_proof: "0uemVghNfiE6hf6_FR3yfU6rRie-F3LtMPkk8QnGY8A" },
    webServer: { addr: "127.0.0.1", port: 7411, user: "reagent", password: "p4ss" },
    log: { to: "/var/log/frpc.log", level: "debug", maxDays: 3 },
    loginFailExit: false,
    proxies: [
      { name: "512-metrics-3000-http", type: "http", localPort: 40_007, subdomain: "512-metrics-3000" },
      { name: "512-metrics-1883-tcp", type: "tcp", localPort: 40_008, remotePort: 31_044 },
      { name: "512-metrics-53-udp", type: "udp", localIP: "192.168.1.20", localPort: 53 },
    ],
  });
});

const through = (settings: Partial<ProxySettings>): ProxySettings => ({ ...noProxies, ...settings });

const servers: { name: string; site: Partial<TunnelSite>; proxies?: typeof none; is: string }[] = [
  { name: "the cloud", site: {}, is: "tcp app.ironflock.com:7000" },
  { name: "the test cloud", site: { endpointUrl: "wss://cbw.ironflock.dev/ws" }, is: "tcp app.ironflock.dev:7000" },
  { name: "an endpoint on this machine", site: { endpointUrl: "ws://127.0.0.1:8080" }, is: "tcp 127.0.0.1:7400" },
  { name: "localhost", site: { endpointUrl: "ws://localhost:8080/ws" }, is: "tcp localhost:7400" },
  {
    name: "a container's host",
    site: { endpointUrl: "ws://host.docker.internal" },
    is: "tcp host.docker.internal:7400",
  },
  { name: "an address", site: { endpointUrl: "ws://192.168.1.5:8080/ws" }, is: "tcp 192.168.1.5:7000" },
  { name: "an IPv6 address", site: { endpointUrl: "ws://[fd00::5]:8080/ws" }, is: "tcp fd00::5:7000" },
  { name: "no URL", site: { endpointUrl: "", environment: "test" }, is: "tcp app.ironflock.dev:7000" },
  { name: "an appliance with wss", site: appliance, is: "wss box.example.com:443" },
  {
    name: "an appliance without wss",
    site: { ...appliance, endpointUrl: "ws://cbw.box.example.com" },
    is: "tcp box.example.com:7000",
  },
  {
    name: "an appliance at an address",
    site: { ...appliance, endpointUrl: "ws://10.1.2.3:8080" },
    is: "tcp 10.1.2.3:7000",
  },
  {
    name: "an appliance at an address with wss",
    site: { ...appliance, endpointUrl: "wss://10.1.2.3" },
    is: "wss box.example.com:443",
  },
  {
    name: "an appliance on this machine",
    site: { ...appliance, applianceDomain: "localhost" },
    is: "wss localhost:7400",
  },
  {
    name: "an appliance behind a proxy",
    site: appliance,
    proxies: { wss: through({ https: "proxy.lan:3128" }), tcp: through({ http: "http://other.lan" }) },
    is: "wss box.example.com:443 through http://proxy.lan:3128/",
  },
  {
    name: "an appliance that NO_PROXY names",
    site: appliance,
    proxies: { ...none, wss: through({ https: "proxy.lan:3128", none: "x, .example.com" }) },
    is: "wss box.example.com:443",
  },
  {
    name: "the cloud behind a plain proxy",
    site: {},
    proxies: { wss: through({ https: "http://other.lan" }), tcp: through({ http: "socks5h://proxy.lan" }) },
    is: "tcp app.ironflock.com:7000 through socks5h://proxy.lan",
  },
  {
    name: "the cloud, which NO_PROXY names with its port",
    site: {},
    proxies: { ...none, tcp: through({ http: "http://proxy.lan", none: "app.ironflock.com:7000" }) },
    is: "tcp app.ironflock.com:7000",
  },
];

for (const { name, site, proxies = none, is } of servers) {
  Deno.test(`serverAddress() for ${name} is ${is}`, () => {
    assert.equal(describe(serverAddress({ ...cloud, ...site }, proxies)), is);
  });
}

function describe({ protocol, host, port, proxy }: ServerAddress): string {
  return `${protocol} ${host}:${port}${proxy === undefined ? "" : ` through ${proxy.href}`}`;
}

Deno.test("readTunnelProxies() takes only the lower-case variable for plain connections", () => {
  const standard = through({ http: "http://upper", none: "x" });
  const read = (values: Record<string, string>, os: string) =>
    readTunnelProxies({ get: (name) => values[name] }, { os, standard }).tcp;
  assert.deepEqual(read({ HTTP_PROXY: "http://upper" }, "linux"), through({ none: "x" }));
  assert.deepEqual(read({ http_proxy: " http://lower " }, "linux"), through({ http: "http://lower", none: "x" }));
  assert.deepEqual(read({ HTTP_PROXY: "http://upper" }, "windows"), through({ http: "http://upper", none: "x" }));
});

Deno.test("a device without secret or key has no proof", () => {
  assert.equal(tunnelProof({ secret: "", deviceKey: 512 }), undefined);
  assert.equal(tunnelProof({ secret: "x", deviceKey: 0 }), undefined);
});
