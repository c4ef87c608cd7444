import assert from "node:assert/strict";
import {
  isSiteVariable,
  proxySecrets,
  type SiteFacts,
  siteVariables,
} from "../../../../lib/apps/container/site_variables.ts";
import { noProxies, readProxySettings } from "../../../../lib/wamp/proxy.ts";

const plain: SiteFacts = { proxies: noProxies, lanAddress: undefined, applianceDomain: "", hasCaBundle: false };
const fixed = "localhost,127.0.0.1,::1,host.docker.internal,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16";

/** The variables of a device whose environment is this one. */
function withEnvironment(environment: Record<string, string>, site: Partial<SiteFacts> = {}): Record<string, string> {
  const proxies = readProxySettings({ get: (name) => environment[name] });
  return Object.fromEntries(siteVariables({ ...plain, proxies, ...site }));
}

Deno.test("#9: apps get the proxies under three names, in the order of their kinds", () => {
  const names = Object.keys(withEnvironment({ HTTP_PROXY: "http://p:1", HTTPS_PROXY: "http://p:2" }));
  assert.deepEqual(names, [
    ...["HTTP_PROXY", "http_proxy", "IRONFLOCK_HTTP_PROXY"],
    ...["HTTPS_PROXY", "https_proxy", "IRONFLOCK_HTTPS_PROXY"],
    ...["NO_PROXY", "no_proxy", "IRONFLOCK_NO_PROXY"],
  ]);
});

Deno.test("#9: an unset half is left out, upper case comes first, blank is unset, ALL_PROXY is never passed on", () => {
  const three = (name: string, value: string) => ({
    [name]: value,
    [name.toLowerCase()]: value,
    [`IRONFLOCK_${name}`]: value,
  });
  const none = three("NO_PROXY", fixed);
  const cases: [environment: Record<string, string>, expected: Record<string, string>][] = [
    [{}, {}],
    [{ NO_PROXY: "a", ALL_PROXY: "http://p:1", all_proxy: "http://p:1" }, {}],
    [{ HTTP_PROXY: "  ", https_proxy: "" }, {}],
    [{ HTTP_PROXY: "http://p:1" }, { ...three("HTTP_PROXY", "http://p:1"), ...none }],
    [{ https_proxy: "p:1" }, { ...three("HTTPS_PROXY", "p:1"), ...none }],
    [{ HTTPS_PROXY: "http://up:1", https_proxy: "http://low:1" }, { ...three("HTTPS_PROXY", "http://up:1"), ...none }],
    [{ HTTPS_PROXY: " ", https_proxy: "http://low:1" }, { ...three("HTTPS_PROXY", "http://low:1"), ...none }],
  ];
  for (const [environment, expected] of cases) {
    assert.deepEqual(withEnvironment(environment), expected, JSON.stringify(environment));
  }
});

Deno.test("#9: NO_PROXY has the device's own entries first, then those of containers, trimmed and each once", () => {
  const site = { lanAddress: "192.168.7.9", applianceDomain: " site.example " };
  const of = (none: string, more: Partial<SiteFacts> = {}) =>
    withEnvironment({ HTTP_PROXY: "http://p:1", NO_PROXY: none }, more)["NO_PROXY"];
  assert.equal(of(" a.example , localhost,,b "), `a.example,localhost,b,${fixed.replace("localhost,", "")}`);
  assert.equal(of("", site), `${fixed},192.168.7.9,site.example,.site.example`);
});

Deno.test("#9: a proxy on the device itself has the address that it has inside a container", () => {
  const cases: [given: string, expected: string][] = [
    ["http://127.0.0.1:3128", "http://host.docker.internal:3128"],
    ["http://me:pass@localhost:3128/", "http://me:pass@host.docker.internal:3128/"],
    ["localhost:3128", "host.docker.internal:3128"],
    ["socks5://[::1]:1080", "socks5://host.docker.internal:1080"],
    ["http://proxy.site.example:3128", "http://proxy.site.example:3128"],
    ["proxy:3128", "proxy:3128"],
  ];
  for (const [given, expected] of cases) {
    assert.equal(withEnvironment({ HTTPS_PROXY: given })["IRONFLOCK_HTTPS_PROXY"], expected);
  }
});

Deno.test("change 2.8: with a bundle of certificates apps find it under four names, before the proxies", () => {
  const variables = siteVariables({ ...plain, hasCaBundle: true, proxies: { ...noProxies, http: "http://p:1" } });
  const path = "/etc/ironflock/certs/ca-bundle.crt";
  assert.deepEqual(variables.slice(0, 5), [
    ["SSL_CERT_FILE", path],
    ["REQUESTS_CA_BUNDLE", path],
    ["NODE_EXTRA_CA_CERTS", path],
    ["IRONFLOCK_CA_BUNDLE", path],
    ["HTTP_PROXY", "http://p:1"],
  ]);
});

Deno.test("#9: logins of proxies are secrets", () => {
  const proxies = { http: "http://me:p%40ss@proxy:1", https: "you:word@proxy:2", none: "x@y" };
  assert.deepEqual(proxySecrets(proxies), ["me:p%40ss", "p%40ss", "p@ss", "you:word", "word", "word"].slice(0, 5));
  assert.deepEqual(proxySecrets({ ...noProxies, http: "http://proxy:1", https: "http://me@proxy:1" }), []);
});

Deno.test("#9: isSiteVariable() tells values of the agent from those of an app", () => {
  const path = "/etc/ironflock/certs/ca-bundle.crt";
  const all = new Map([
    ["HTTP_PROXY", "http://mine:1"],
    ["http_proxy", "http://p:1"],
    ["IRONFLOCK_HTTP_PROXY", "http://p:1"],
    ["SSL_CERT_FILE", path],
    ["NODE_EXTRA_CA_CERTS", "/data/my.crt"],
    ["LEVEL", "http://p:1"],
  ]);
  const agents = [...all.keys()].filter((name) => isSiteVariable(name, all));
  assert.deepEqual(agents, ["http_proxy", "IRONFLOCK_HTTP_PROXY", "SSL_CERT_FILE"]);
});
