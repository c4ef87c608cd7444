import assert from "node:assert/strict";
import { chooseProxy, noProxies, type ProxySettings, readProxySettings } from "../../../lib/wamp/proxy.ts";

const both: ProxySettings = { http: "http://plain:3128", https: "http://secure:3129", none: "" };

const choices: { name: string; url: string; none?: string; expected: string | undefined }[] = [
  { name: "wss takes the https proxy", url: "wss://studio.example.com/ws", expected: "secure:3129" },
  { name: "ws takes the http proxy", url: "ws://studio.example.com/ws", expected: "plain:3128" },
  { name: "localhost is never proxied", url: "ws://localhost:8080/ws", expected: undefined },
  { name: "a name below localhost neither", url: "ws://a.localhost/ws", expected: undefined },
  { name: "127.0.0.1 neither", url: "ws://127.0.0.1:8080/ws", expected: undefined },
  { name: "all of 127/8 neither", url: "ws://127.9.8.7:8080/ws", expected: undefined },
  { name: "::1 neither", url: "ws://[::1]:8080/ws", expected: undefined },
  { name: "a name that begins like loopback is proxied", url: "ws://127.example.com/", expected: "plain:3128" },
  { name: "NO_PROXY *", url: "wss://a.b/", none: "*", expected: undefined },
  { name: "NO_PROXY names a host", url: "wss://a.b/", none: "x.y, a.b", expected: undefined },
  { name: "NO_PROXY covers subdomains", url: "wss://c.a.b/", none: "a.b", expected: undefined },
  { name: "NO_PROXY does not cover half a name", url: "wss://xa.b/", none: "a.b", expected: "secure:3129" },
  { name: "NO_PROXY with a dot covers subdomains", url: "wss://c.a.b/", none: ".a.b", expected: undefined },
  {
    name: "NO_PROXY with a dot does not cover the name itself",
    url: "wss://a.b/",
    none: ".a.b",
    expected: "secure:3129",
  },
  { name: "NO_PROXY with a star", url: "wss://c.a.b/", none: "*.a.b", expected: undefined },
  { name: "NO_PROXY ignores case", url: "wss://A.B/", none: "a.B", expected: undefined },
  { name: "NO_PROXY with the standard port", url: "wss://a.b/", none: "a.b:443", expected: undefined },
  { name: "NO_PROXY with another port", url: "wss://a.b/", none: "a.b:80", expected: "secure:3129" },
  { name: "NO_PROXY with an address", url: "ws://10.1.2.3/", none: "10.1.2.3", expected: undefined },
  { name: "NO_PROXY with a subnet", url: "ws://10.1.2.3/", none: "10.0.0.0/8", expected: undefined },
  { name: "NO_PROXY with another subnet", url: "ws://11.1.2.3/", none: "10.0.0.0/8", expected: "plain:3128" },
  { name: "NO_PROXY with an IPv6 subnet", url: "ws://[fd00::5]/", none: "fd00::/8", expected: undefined },
  { name: "NO_PROXY with a broken subnet", url: "ws://10.1.2.3/", none: "10.0.0.0/99,/8", expected: "plain:3128" },
];

for (const { name, url, none, expected } of choices) {
  Deno.test(`chooseProxy(): ${name}`, () => {
    assert.equal(chooseProxy(new URL(url), { ...both, none: none ?? "" })?.host, expected);
  });
}

Deno.test("chooseProxy() takes a proxy without a scheme as http, and refuses what is not a proxy", () => {
  const url = new URL("ws://a.b/");
  assert.equal(chooseProxy(url, { ...noProxies, http: "proxy:3128" })?.href, "http://proxy:3128/");
  assert.equal(chooseProxy(url, noProxies), undefined);
  for (const http of ["ftp://proxy", "http://", "::::"]) {
    assert.throws(() => chooseProxy(url, { ...noProxies, http }), { code: "connect_failed" });
  }
});

Deno.test("readProxySettings() reads upper case first, then lower case", () => {
  const variables = new Map([["HTTP_PROXY", "a"], ["http_proxy", "b"], ["https_proxy", "c"], ["NO_PROXY", ""]]);
  assert.deepEqual(readProxySettings(variables), { http: "a", https: "c", none: "" });
});
