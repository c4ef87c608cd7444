import assert from "node:assert/strict";
import { bundleSource, readBundleSource } from "../../../lib/os_update/bundle_source.ts";

const path = "/etc/reswarmos-update";

const good: [line: string, url: string, fileName: string][] = [
  ["v2,20260101,https://example.com/os/flock-2.raucb", "https://example.com/os/flock-2.raucb", "flock-2.raucb"],
  ["a,b, http://10.0.0.1:8080/x.raucb \r\nsecond,line,here", "http://10.0.0.1:8080/x.raucb", "x.raucb"],
  ["a,b,https://example.com/x.raucb?key=1&b=/y,more,fields", "https://example.com/x.raucb?key=1&b=/y", "x.raucb"],
  ["a,b,https://example.com/a/../../b.raucb", "https://example.com/b.raucb", "b.raucb"],
  ["a,b,https://example.com/my%20bundle.raucb", "https://example.com/my%20bundle.raucb", "my%20bundle.raucb"],
  ["\ufeffa,b,HTTPS://EXAMPLE.com/x.raucb#part", "https://example.com/x.raucb#part", "x.raucb"],
];

Deno.test("bundleSource() finds the URL in the third field of the first line", () => {
  for (const [text, url, fileName] of good) {
    const source = bundleSource(text, path);
    assert.deepEqual([source.url.href, source.fileName], [url, fileName], text);
  }
});

const bad: [text: string, code: string, message: RegExp][] = [
  ["", "bad_request", /has no third field with a URL/],
  ["a,b", "bad_request", /has no third field/],
  ["a,b,  \n", "bad_request", /has no third field/],
  ["\na,b,https://example.com/x.raucb", "bad_request", /has no third field/],
  ["a,b,no url", "bad_request", /"no url" is no URL/],
  ["a,b,//example.com/x", "bad_request", /is no URL/],
  [`a,b,https://example.com/${"x".repeat(5_000)}`, "bad_request", /is no URL/],
  ["a,b,file:///etc/shadow", "denied", /"file:" is not http or https/],
  ["a,b,ftp://example.com/x.raucb", "denied", /"ftp:" is not http/],
  ["a,b,data:text/plain,x", "denied", /"data:" is not http/],
  ["a,b,javascript:x", "denied", /is not http/],
  ["a,b,https://me:secret@example.com/x.raucb", "denied", /its URL holds a login/],
  ["a,b,https://example.com/", "denied", /"" is no name of a bundle/],
  ["a,b,https://example.com/x/", "denied", /"" is no name/],
  ["a,b,https://example.com/x/..", "denied", /"" is no name/],
  ["a,b,https://example.com/%2e%2e", "denied", /"" is no name/],
  ["a,b,https://example.com/.hidden", "denied", /"\.hidden" is no name/],
  ["a,b,https://example.com/-rf", "denied", /"-rf" is no name/],
  ["a,b,https://example.com/x;reboot", "denied", /is no name/],
  ["a,b,https://example.com/x$(reboot)", "denied", /is no name/],
  ["a,b,https://example.com/ironflock-reagent.lock", "denied", /is no name/],
  [`a,b,https://example.com/${"x".repeat(200)}`, "denied", /is no name/],
];

Deno.test("bundleSource() refuses what is no bundle that can be downloaded, without quoting a login", () => {
  for (const [text, code, message] of bad) {
    assert.throws(() => bundleSource(text, path), (error: Error & { code?: string }) => {
      assert.equal(error.code, code, text);
      assert.match(error.message, message, text);
      return !error.message.includes("secret") && error.message.includes(path);
    });
  }
});

Deno.test("readBundleSource() tells a system without updates from a file that cannot be read", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/update`;
    await assert.rejects(readBundleSource(file), { code: "not_available", message: /there is no file/ });
    await Deno.mkdir(file);
    await assert.rejects(readBundleSource(file), { code: "io_failed", message: /it is not a file/ });
    await Deno.remove(file);
    await Deno.writeTextFile(file, `a,b,https://example.com/x.raucb\n${"x".repeat(200_000)}`);
    assert.equal((await readBundleSource(file)).fileName, "x.raucb");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
