import assert from "node:assert/strict";
import { EngineSnapshot } from "../../../../lib/apps/watch/engine_snapshot.ts";
import { decodeImage, decodeSummary } from "../../../../lib/docker/decode.ts";

const names = { container: "prod_7_shop", repository: "r.example.com:5000/apps/prod_amd64_7_shop" };

function survey(containers: object[], images: object[]): EngineSnapshot {
  return new EngineSnapshot({
    takenAtMs: 0,
    containers: containers.map(decodeSummary).filter((entry) => entry !== undefined),
    images: images.map(decodeImage).filter((entry) => entry !== undefined),
  });
}

Deno.test("find() knows a container by its exact name", () => {
  const seen = survey([
    { Id: "a", Names: ["/prod_7_shop2"], State: "running" },
    { Id: "b", Names: ["/prod_7_shop"], State: "exited" },
    { Id: "c", Names: ["/my_prod_7_shop"], State: "running" },
  ], []);
  assert.equal(seen.find(names).status, "exited");
  assert.equal(seen.find({ ...names, container: "prod_7_sho" }).status, undefined);
});

Deno.test("find() knows an image by its exact repository, under any tag and any of its names", () => {
  const cases: [string, string[], boolean][] = [
    ["its tag", [`${names.repository}:1`], true],
    ["the second name", ["other:1", `${names.repository}:2`], true],
    ["a longer repository", [`${names.repository}_2:1`], false],
    ["another registry", ["apps/prod_amd64_7_shop:1"], false],
    ["no name", [], false],
  ];
  for (const [name, tags, expected] of cases) {
    assert.equal(survey([], [{ Id: "i", RepoTags: tags }]).find(names).hasImage, expected, name);
  }
});

Deno.test("find() gives the tags of the repository, of all its images", () => {
  const { tags } = survey([], [
    { Id: "i", RepoTags: [`${names.repository}:1`, "other:1"] },
    { Id: "j", RepoTags: [`${names.repository}:2`, `${names.repository}_2:3`] },
  ]).find(names);
  assert.deepEqual(tags, ["1", "2"]);
  assert.deepEqual(survey([], []).find(names).tags, []);
});

Deno.test("find() gives the published ports of a container that runs; of any other only a closer look tells them", () => {
  const Ports = [
    { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 42_000, Type: "tcp" },
    { IP: "::", PrivatePort: 80, PublicPort: 42_000, Type: "tcp" },
    { PrivatePort: 81, Type: "tcp" },
    { IP: "127.0.0.1", PrivatePort: 80, PublicPort: 42_001, Type: "udp" },
  ];
  const running = survey([{ Id: "a", Names: ["/prod_7_shop"], State: "running", Ports }], []).find(names);
  assert.deepEqual(running.published, {
    "80/tcp": [{ hostIp: "0.0.0.0", hostPort: 42_000 }, { hostIp: "::", hostPort: 42_000 }],
    "80/udp": [{ hostIp: "127.0.0.1", hostPort: 42_001 }],
  });
  const silent = survey([{ Id: "a", Names: ["/prod_7_shop"], State: "running" }], []).find(names);
  assert.deepEqual(silent.published, {});
  const exited = survey([{ Id: "a", Names: ["/prod_7_shop"], State: "exited", Ports: [] }], []).find(names);
  assert.equal(exited.published, undefined);
  assert.equal(survey([], []).find(names).published, undefined);
});
