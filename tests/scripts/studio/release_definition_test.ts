import assert from "node:assert/strict";
import { nameBuiltImages, publishedDefinition, withoutBuilds } from "../../../scripts/studio/release_definition.ts";

const images = { host: "127.0.0.1:5002", repository: "apps/prod_amd64_7_shop", version: "2" };
const own = "127.0.0.1:5002/apps/prod_amd64_7_shop";
const source = {
  services: {
    Web: { build: ".", ports: ["8080:80"] },
    db: { image: "postgres:16" },
    job: { image: "127.0.0.1:5002/apps/x:1" },
  },
  volumes: { data: {} },
};

Deno.test("nameBuiltImages() names what is built, and nothing else", () => {
  const { definition, images: names } = nameBuiltImages(source, images);
  assert.deepEqual(names, [`${own}_web:2`]);
  assert.deepEqual(definition, {
    ...source,
    services: { ...source.services, Web: { ...source.services.Web, image: `${own}_web:2` } },
  });
});

Deno.test("publishedDefinition() copies foreign images; withoutBuilds() is what the other devices need of it", () => {
  const published = publishedDefinition(source, images);
  assert.deepEqual(published.services, {
    Web: { ...source.services.Web, image: `${own}_web:2` },
    db: { image: `${own}_db:2`, "x-source-image": "postgres:16" },
    job: source.services.job,
  });
  assert.deepEqual(withoutBuilds(published).services, {
    Web: { ports: ["8080:80"], image: `${own}_web:2` },
    db: { image: `${own}_db:2` },
    job: source.services.job,
  });
});
