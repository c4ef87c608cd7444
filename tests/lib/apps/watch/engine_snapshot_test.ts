import assert from "node:assert/strict";
import { EngineSnapshot } from "../../../../lib/apps/watch/engine_snapshot.ts";
import { formerPartsOf, servicesInUse, soleContainer } from "../../../../lib/apps/state/observed_app.ts";
import { decodeImage, decodeSummary } from "../../../../lib/docker/decode.ts";

const names = {
  container: "prod_7_shop",
  repository: "r.example.com:5000/apps/prod_amd64_7_shop",
  repositoryPrefix: "r.example.com:5000/apps/prod_amd64_7_",
  project: "prod_7_shop_compose",
};

const id = { appKey: 7, stage: "PROD" } as const;

const Labels = { real: "True" };

function snapshot(containers: object[], images: object[]): EngineSnapshot {
  return new EngineSnapshot({
    takenAtMs: 0,
    containers: containers.map(decodeSummary).filter((entry) => entry !== undefined),
    images: images.map(decodeImage).filter((entry) => entry !== undefined),
  });
}

function statusIn(taken: EngineSnapshot, container = names.container): string | undefined {
  return soleContainer(taken.find(id, { ...names, container }))?.status;
}

Deno.test("find() looks up a container by its exact name", () => {
  const taken = snapshot([
    { Id: "a", Names: ["/prod_71_shop"], State: "running", Labels },
    { Id: "b", Names: ["/prod_7_shop"], State: "exited", Labels },
    { Id: "c", Names: ["/my_prod_7_shop"], State: "running", Labels },
    { Id: "d", Names: ["/dev_7_shop"], State: "running", Labels },
  ], []);
  assert.equal(statusIn(taken), "exited");
  assert.equal(taken.find({ ...id, appKey: 8 }, names).containers.length, 0);
});

Deno.test("#7: find() knows the containers of an app by key, stage and labels, and never by name alone", () => {
  const ofApp = { ...Labels, "reagent.app-key": "7", "reagent.stage": "PROD", "reagent.app-name": "Old" };
  const cases: [string, object, string | undefined][] = [
    ["without the label of agents", { Names: ["/prod_7_shop"], Labels: {} }, undefined],
    [
      "of another app, under this name",
      { Names: ["/prod_7_shop"], Labels: { ...ofApp, "reagent.app-key": "9" } },
      undefined,
    ],
    [
      "of the other stage, under this name",
      { Names: ["/prod_7_shop"], Labels: { ...ofApp, "reagent.stage": "DEV" } },
      undefined,
    ],
    [
      "of a compose project",
      { Names: ["/prod_7_shop"], Labels: { ...ofApp, "com.docker.compose.project": "p" } },
      undefined,
    ],
    ["of today", { Names: ["/prod_7_shop"], Labels: ofApp }, "today"],
    ["of an older agent", { Names: ["/prod_7_shop"], Labels }, "today"],
    ["of an older agent under an earlier name", { Names: ["/prod_7_old"], Labels }, "old"],
    ["of an earlier name", { Names: ["/prod_7_old"], Labels: ofApp }, "Old"],
    ["renamed by hand", { Names: ["/mine"], Labels: ofApp }, "Old"],
  ];
  for (const [name, container, expected] of cases) {
    const [found] = snapshot([{ Id: "a", State: "running", ...container }], []).find(id, names).containers;
    assert.equal(found && (found.formerName ?? "today"), expected, name);
  }
});

Deno.test("#7: find() puts the container of today first, and has the images of earlier names", () => {
  const found = snapshot([
    { Id: "a", Names: ["/prod_7_old"], State: "running", Labels },
    { Id: "b", Names: ["/prod_7_shop"], State: "created", Labels },
  ], [
    { Id: "i", RepoTags: [`${names.repositoryPrefix}old:1`, `${names.repository}:2`] },
    { Id: "j", RepoTags: ["r.example.com:5000/apps/prod_amd64_71_old:1", "other/prod_amd64_7_old:1"] },
  ]).find(id, names);
  assert.deepEqual(found.containers.map(({ name }) => name), ["prod_7_shop", "prod_7_old"]);
  assert.deepEqual(found.tags, ["2"]);
  const reference = `${names.repositoryPrefix}old:1`;
  assert.deepEqual(found.formerImages, [{ reference, tag: "1", appName: "old" }]);
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
    assert.equal(snapshot([], [{ Id: "i", RepoTags: tags }]).find(id, names).tags.length > 0, expected, name);
  }
});

Deno.test("find() returns the tags of the repository, of all its images", () => {
  const { tags } = snapshot([], [
    { Id: "i", RepoTags: [`${names.repository}:1`, "other:1"] },
    { Id: "j", RepoTags: [`${names.repository}:2`, `${names.repository}_2:3`] },
  ]).find(id, names);
  assert.deepEqual(tags, ["1", "2"]);
  assert.deepEqual(snapshot([], []).find(id, names).tags, []);
});

Deno.test("find() returns the published ports of a running container, and leaves those of any other to a closer look", () => {
  const Ports = [
    { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 42_000, Type: "tcp" },
    { IP: "::", PrivatePort: 80, PublicPort: 42_000, Type: "tcp" },
    { PrivatePort: 81, Type: "tcp" },
    { IP: "127.0.0.1", PrivatePort: 80, PublicPort: 42_001, Type: "udp" },
  ];
  const running = snapshot([{ Id: "a", Names: ["/prod_7_shop"], State: "running", Labels, Ports }], []).find(id, names);
  assert.deepEqual(soleContainer(running)?.published, {
    "80/tcp": [{ hostIp: "0.0.0.0", hostPort: 42_000 }, { hostIp: "::", hostPort: 42_000 }],
    "80/udp": [{ hostIp: "127.0.0.1", hostPort: 42_001 }],
  });
  const silent = snapshot([{ Id: "a", Names: ["/prod_7_shop"], State: "running", Labels }], []).find(id, names);
  assert.deepEqual(soleContainer(silent)?.published, {});
  const exited = snapshot([{ Id: "a", Names: ["/prod_7_shop"], State: "exited", Labels, Ports: [] }], []).find(
    id,
    names,
  );
  assert.equal(soleContainer(exited)?.published, undefined);
});

Deno.test("#13: find() looks up the project of an app by its exact label", () => {
  const inProject = (Id: string, label: string) => ({
    Id,
    Names: [`/${label}-web-1`],
    State: "running",
    Labels: { "com.docker.compose.project": label, "com.docker.compose.service": "web" },
  });
  const foreign = ["prod_7_shop_compose2", "prod_71_shop_compose", "shop", "x", "dev_7_shop_compose"];
  const taken = snapshot([...foreign, names.project].map((label, index) => inProject(`${index}`, label)), [
    { Id: "sha256:1", RepoTags: ["w:1"] },
  ]);
  const { project, containers } = taken.find(id, names, { images: ["w:1", "d:1"] });
  assert.deepEqual(project?.services.map((service) => service.id), [`${foreign.length}`]);
  assert.deepEqual(project?.images, { "w:1": "sha256:1" });
  assert.deepEqual(containers, []);
  assert.equal(snapshot([], []).find(id, names).project, undefined);
  const empty = { services: [], images: {}, hasKeptImages: false };
  assert.deepEqual(snapshot([], []).find(id, names, { images: [] }).project, empty);
});

Deno.test("find() knows whether an update has kept images of a project", () => {
  const kept = { Id: "sha256:1", RepoTags: ["reagent.local/kept/prod_7:0a"] };
  const ofOther = { Id: "sha256:2", RepoTags: ["reagent.local/kept/prod_71:0a"] };
  for (const [images, expected] of [[[kept, ofOther], true], [[ofOther], false], [[], false]] as const) {
    assert.equal(snapshot([], [...images]).find(id, names, { images: [] }).project?.hasKeptImages, expected);
  }
});

Deno.test("#13: find() has the projects of earlier names, if their compose files are those of the agent", () => {
  const folders = { buildDir: "/apps/build", composeDir: "/apps/compose" };
  const inProject = (project: string, file: string) => ({
    Id: project,
    Names: [`/${project}-web-1`],
    State: "running",
    Labels: {
      "com.docker.compose.project": project,
      "com.docker.compose.service": "web",
      "com.docker.compose.project.config_files": file,
    },
  });
  const taken = snapshot([
    inProject("prod_7_old_compose", "/apps/compose/Old/docker-compose.json"),
    inProject("prod_7_foreign_compose", "/home/somebody/docker-compose.json"),
    inProject("prod_8_old_compose", "/apps/compose/Old/docker-compose.json"),
    inProject("dev_7_old_compose", "/apps/build/Old/docker-compose.json"),
  ], [{ Id: "i", RepoTags: [`${names.repositoryPrefix}old_web:1`] }]);
  const images = [`${names.repositoryPrefix}old_web:1`];
  const found = taken.find(id, names, { images, folders });
  assert.deepEqual(
    found.formerProjects?.map(({ project, appName, services }) => [project, appName, services.length]),
    [["prod_7_old_compose", "Old", 1]],
  );
  assert.equal(found.formerImages, undefined, "the images of services are those of today");
  assert.equal(formerPartsOf(found), "inUse");
  assert.deepEqual(servicesInUse(found).map((service) => service.id), ["prod_7_old_compose"]);
  const running = servicesInUse(found).map((service) => ({ ...service, id: "new" }));
  const both = { ...found, project: { services: running, images: {} } };
  assert.equal(formerPartsOf(both), "leftover");
  assert.deepEqual(servicesInUse(both), running);
});
