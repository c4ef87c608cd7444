import assert from "node:assert/strict";
import { localRegistryHost, supersededTags, wantedImages } from "../../../lib/disk_space/image_rules.ts";

const host = "192.168.1.5:5000";
const prod = `${host}/apps/prod_amd64_7_shop`;
const dev = `${host}/apps/dev_amd64_7_shop`;

const wanted = wantedImages([{
  repositories: [prod, dev],
  versions: ["1.0.0", "1.1.0"],
  definitions: [null, {
    services: {
      web: { image: `${host}/web:3` },
      cache: { image: `${host}/cache` },
      pinned: { image: `${host}/pinned:2@sha256:ab` },
      open: { image: `${host}/open:\${TAG}` },
      built: { build: "." },
      odd: "text",
    },
  }, { services: [] }],
}]);

const cases: [string, string, boolean][] = [
  ["a version that was replaced", `${prod}:0.9.0`, true],
  ["the installed version", `${prod}:1.0.0`, false],
  ["the newest version", `${prod}:1.1.0`, false],
  ["an image that was built on the device", `${dev}:latest`, false],
  ["another image of the developer's app", `${dev}:0.1.0`, true],
  ["an app that is gone", `${host}/apps/prod_amd64_9_ghost:1`, true],
  ["a service of a stopped compose app", `${host}/web:3`, false],
  ["another version of that service", `${host}/web:2`, true],
  ["a service without a tag", `${host}/cache:latest`, false],
  ["a service that is pinned by digest", `${host}/pinned:2`, false],
  ["a service whose tag is a variable", `${host}/open:7`, false],
  ["another registry", "registry.example.com/apps/prod_amd64_7_shop:0.9.0", false],
  ["the registry's host with another port", "192.168.1.5:5001/apps/x:1", false],
  ["the registry's host without a port", "192.168.1.5/apps/x:1", false],
  ["an image without a registry", "busybox:1", false],
];

for (const [what, tag, isRemoved] of cases) {
  Deno.test(`supersededTags() ${isRemoved ? "removes" : "keeps"} ${what}`, () => {
    const removed = supersededTags([{ id: "sha256:1", repoTags: [tag] }], { host, users: [], wanted });
    assert.deepEqual(removed, isRemoved ? [tag] : []);
  });
}

Deno.test("supersededTags() keeps every tag of an image that a container uses, running or not", () => {
  const image = { id: "sha256:1", repoTags: [`${prod}:0.9.0`, `${prod}:0.8.0`] };
  const by = (user: { imageId: string; image: string }) => supersededTags([image], { host, users: [user], wanted });
  assert.deepEqual(by({ imageId: "sha256:1", image: "sha256:1" }), []);
  assert.deepEqual(by({ imageId: "sha256:other", image: `${prod}:0.8.0` }), []);
  assert.deepEqual(by({ imageId: "sha256:other", image: "busybox:1" }), image.repoTags);
});

Deno.test("supersededTags() returns only the unwanted tags of an image", () => {
  const image = { id: "sha256:1", repoTags: [`${prod}:0.9.0`, `${prod}:1.0.0`, "backup:1"] };
  assert.deepEqual(supersededTags([image], { host, users: [], wanted }), [`${prod}:0.9.0`]);
});

Deno.test("supersededTags() ignores images without a tag", () => {
  assert.deepEqual(supersededTags([{ id: "sha256:1", repoTags: [] }], { host, users: [], wanted }), []);
});

Deno.test("localRegistryHost() accepts addresses of the device and of its local network only", () => {
  const cases: [string, string | undefined][] = [
    ["localhost", "localhost"],
    ["LocalHost:5000/", "localhost:5000"],
    ["127.0.0.1:5000", "127.0.0.1:5000"],
    ["127.8.9.10/", "127.8.9.10"],
    ["10.1.2.3/", "10.1.2.3"],
    ["172.16.0.1", "172.16.0.1"],
    ["172.31.255.255:1/", "172.31.255.255:1"],
    ["192.168.1.5:5000/", "192.168.1.5:5000"],
    ["169.254.1.1", "169.254.1.1"],
    ["[::1]:5000/", "[::1]:5000"],
    ["[fd12:3456::1]", "[fd12:3456::1]"],
    ["[fe80::1]:5000", "[fe80::1]:5000"],
    ["172.15.0.1", undefined],
    ["172.32.0.1", undefined],
    ["11.0.0.1", undefined],
    ["192.169.0.1", undefined],
    ["8.8.8.8:5000/", undefined],
    ["[2001:db8::1]:5000/", undefined],
    ["[fd]:5000", undefined],
    ["10.1.2", undefined],
    ["10.1.2.3.4", undefined],
    ["10.1.2.256", undefined],
    ["10.1.2.03", undefined],
    ["10.1.2.3.", undefined],
    ["registry.example.com/", undefined],
    ["10.example.com", undefined],
    ["registry", undefined],
    ["localhost.example.com", undefined],
    ["127.0.0.1:5000/path/", "127.0.0.1:5000"],
    ["http://127.0.0.1:5000/", "127.0.0.1:5000"],
    ["", undefined],
  ];
  for (const [url, expected] of cases) assert.equal(localRegistryHost(url), expected, url);
});
