import assert from "node:assert/strict";
import { EngineSnapshot } from "../../../../lib/apps/watch/engine_snapshot.ts";
import { soleContainer } from "../../../../lib/apps/state/observed_app.ts";
import { decodeImage, decodeSummary } from "../../../../lib/docker/decode.ts";

const names = { container: "prod_7_shop", repository: "r.example.com:5000/apps/prod_amd64_7_shop" };

function snapshot(containers: object[], images: object[]): EngineSnapshot {
  return new EngineSnapshot({
    takenAtMs: 0,
    containers: containers.map(decodeSummary).filter((entry) => entry !== undefined),
    images: images.map(decodeImage).filter((entry) => entry !== undefined),
  });
}

function statusIn(taken: EngineSnapshot, container = names.container): string | undefined {
  return soleContainer(taken.find({ ...names, container }))?.status;
}

Deno.test("find() looks up a container by its exact name", () => {
  const taken = snapshot([
    { Id: "a", Names: ["/prod_7_shop2"], State: "running" },
    { Id: "b", Names: ["/prod_7_shop"], State: "exited" },
    { Id: "c", Names: ["/my_prod_7_shop"], State: "running" },
  ], []);
  assert.equal(statusIn(taken), "exited");
  assert.equal(statusIn(taken, "prod_7_sho"), undefined);
});

Deno.test("find() looks up images by their exact repository, under any tag and any of its names", () => {
  const cases: [string, string[], boolean][] = [
    ["its tag", [`${names.repository}:1`], true],
    ["the second name", ["other:1", `${names.repository}:2`], true],
    ["a longer repository", [`${names.repository}_2:1`], false],
    ["another registry", ["apps/prod_amd64_7_shop:1"], false],
    ["no name", [], false],
  ];
  for (const [name, tags, expected] of cases) {
    assert.equal(snapshot([], [{ Id: "i", RepoTags: tags }]).find(names).tags.length > 0, expected, name);
  }
});

Deno.test("find() returns the tags of the repository, of all its images", () => {
  const { tags } = snapshot([], [
    { Id: "i", RepoTags: [`${names.repository}:1`, "other:1"] },
    { Id: "j", RepoTags: [`${names.repository}:2`, `${names.repository}_2:3`] },
  ]).find(names);
  assert.deepEqual(tags, ["1", "2"]);
  assert.deepEqual(snapshot([], []).find(names).tags, []);
});

Deno.test("find() returns the published ports of a running container, and leaves those of any other to a closer look", () => {
  const Ports = [
    { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 42_000, Type: "tcp" },
    { IP: "::", PrivatePort: 80, PublicPort: 42_000, Type: "tcp" },
    { PrivatePort: 81, Type: "tcp" },
    { IP: "127.0.0.1", PrivatePort: 80, PublicPort: 42_001, Type: "udp" },
  ];
  const running = snapshot([{ Id: "a", Names: ["/prod_7_shop"], State: "running", Ports }], []).find(names);
  assert.deepEqual(soleContainer(running)?.published, {
    "80/tcp": [{ hostIp: "0.0.0.0", hostPort: 42_000 }, { hostIp: "::", hostPort: 42_000 }],
    "80/udp": [{ hostIp: "127.0.0.1", hostPort: 42_001 }],
  });
  const silent = snapshot([{ Id: "a", Names: ["/prod_7_shop"], State: "running" }], []).find(names);
  assert.deepEqual(soleContainer(silent)?.published, {});
  const exited = snapshot([{ Id: "a", Names: ["/prod_7_shop"], State: "exited", Ports: [] }], []).find(names);
  assert.equal(soleContainer(exited)?.published, undefined);
});
