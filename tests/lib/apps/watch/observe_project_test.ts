import assert from "node:assert/strict";
import { decodeContainer, decodeImage, decodeSummary } from "../../../../lib/docker/decode.ts";
import { abandonedImages, observeProject, servicesAmong } from "../../../../lib/apps/watch/observe_project.ts";

const project = "prod_6_fan-ctl_x_compose";
const never = new AbortController().signal;

function listed(name: string, status: string, labels: object = {}) {
  const [, state = ""] = /^(Up|Exited|Created|Restarting)/.exec(status) ?? [];
  const summary = decodeSummary({
    Id: `id-${name}`,
    Names: [`/${project}-${name}-1`],
    State: { Up: "running", Exited: "exited", Created: "created", Restarting: "restarting" }[state],
    Status: status,
    ImageID: "sha256:1",
    Labels: {
      "com.docker.compose.project": project,
      "com.docker.compose.service": name,
      "com.docker.compose.container-number": "1",
      "com.docker.compose.oneoff": "False",
      ...labels,
    },
  });
  assert.ok(summary !== undefined);
  return summary;
}

Deno.test("servicesAmong() reads exit code and health from what the engine lists", () => {
  const cases: [string, number | undefined, string | undefined][] = [
    ["Up 7 seconds", undefined, undefined],
    ["Up 7 seconds (unhealthy)", undefined, "unhealthy"],
    ["Up 2 hours (healthy)", undefined, "healthy"],
    ["Up Less than a second (health: starting)", undefined, "starting"],
    ["Up 7 seconds (Paused)", undefined, undefined],
    ["Exited (0) 7 seconds ago", 0, undefined],
    ["Exited (3) About an hour ago", 3, undefined],
    ["Restarting (1) 3 seconds ago", 1, undefined],
    ["Created", undefined, undefined],
  ];
  for (const [status, exitCode, health] of cases) {
    const [service] = servicesAmong([listed("web", status)]);
    assert.equal(service?.exitCode, exitCode, status);
    assert.equal(service?.health, health, status);
    assert.equal(service?.imageId, "sha256:1");
  }
});

Deno.test("servicesAmong() leaves out containers of compose run, and sorts by service and number", () => {
  const number = { "com.docker.compose.container-number": "10" };
  const all = [
    listed("web", "Up 1 second", number),
    listed("web", "Up 1 second"),
    listed("db", "Up 1 second"),
    listed("job", "Up 1 second", { "com.docker.compose.oneoff": "True" }),
  ];
  assert.deepEqual(servicesAmong(all).map(({ service, number }) => `${service} ${number}`), [
    "db 1",
    "web 1",
    "web 10",
  ]);
});

Deno.test("M38: observeProject() looks closely at killed containers only, and finds images however they are spelled", async () => {
  const inspected: string[] = [];
  const containers = [
    listed("web", "Up 1 second"),
    listed("db", "Exited (137) 1 second ago"),
    listed("x", "Exited (3) now"),
  ];
  const image = decodeImage({ Id: "i", RepoTags: ["redis:latest", "r.io/a:1"], RepoDigests: ["r.io/a@sha256:ab"] });
  const engine = {
    listProject: () => Promise.resolve(containers),
    listImages: () => Promise.resolve(image === undefined ? [] : [image]),
    inspect: (id: string) => {
      inspected.push(id);
      return Promise.resolve(decodeContainer({ Id: id, State: { ExitCode: 137, OOMKilled: true } }));
    },
  };
  const images = ["docker.io/library/redis", "r.io/a:1", "r.io/a:2@sha256:ab", "r.io/b:1", "r.io/a"];
  const observed = await observeProject(engine, { project, repository: "r.io/b", images }, never);
  assert.deepEqual(inspected, ["id-db"]);
  assert.deepEqual(observed.services.map(({ service, wasKilled }) => [service, wasKilled]), [
    ["db", false],
    ["web", undefined],
    ["x", false],
  ]);
  assert.deepEqual(Object.keys(observed.images), images.slice(0, 3));
});

Deno.test("abandonedImages() are those with names of the app's services that nothing needs", () => {
  const repository = "r.io/apps/prod_amd64_7_shop";
  const images = [`${repository}_web:2`, `docker.io/${repository}_db`];
  const image = (id: string, ...repoTags: string[]) => ({ id, repoTags });
  const listed = [
    image("a", `${repository}_web:2`, `${repository}_web:latest`),
    image("b", `${repository}_web:1`),
    image("c", `${repository}_db:latest`),
    image("d", `${repository}_used:1`),
    image("e", `${repository}:1`, `${repository}s_web:1`, "redis:7", "r.io/apps/dev_amd64_7_shop_web:1"),
    image("f"),
  ];
  const sought = { repository, images, services: [{ imageId: "d" }] };
  assert.deepEqual(abandonedImages(listed, sought), [`${repository}_web:latest`, `${repository}_web:1`]);
  assert.deepEqual(abandonedImages(listed, { ...sought, images: [] }), [], "nobody knows what is needed");
});
