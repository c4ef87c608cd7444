import assert from "node:assert/strict";
import { Survey } from "../../lib/apps/survey.ts";
import { decodeImage, decodeSummary } from "../../lib/docker/seen.ts";

const names = { container: "prod_7_shop", repository: "r.example.com:5000/apps/prod_amd64_7_shop" };

function survey(containers: object[], images: object[]): Survey {
  return new Survey(
    containers.map(decodeSummary).filter((entry) => entry !== undefined),
    images.map(decodeImage).filter((entry) => entry !== undefined),
  );
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
