import assert from "node:assert/strict";
import { diskUses } from "../../../../lib/apps/state/disk_use.ts";
import { localImage, projectNeedsOf } from "../../../../lib/apps/watch/compose_facts.ts";
import { wantedImages } from "../../../../lib/disk_space/image_rules.ts";
import { namesOf } from "../../../../lib/model/app_names.ts";
import { sampleRequest } from "../../store/samples.ts";
import { id, RecordsWorld } from "./records_fixture.ts";

const facts = { registryUrl: "192.168.1.5:5000/", mainRepository: "apps/", arch: "amd64" };
const local = "192.168.1.5:5000/apps/prod_amd64_71_fan_ctl_web:3";
const dockerCompose = {
  services: {
    web: { image: "registry.example.com/apps/prod_amd64_71_fan_ctl_web:3" },
    debug: { image: "redis", profiles: ["debug"] },
    odd: null,
  },
};
const newDockerCompose = { services: { web: { image: "b:2" } } };

Deno.test("#13: diskUses() names all images of a stopped compose app, as this device pulls them", () => {
  using world = new RecordsWorld();
  world.records.store(sampleRequest({ target: "PRESENT", dockerCompose, newDockerCompose }));
  const uses = diskUses(world.records, {
    namesOf: (app) => namesOf(app, facts),
    relocate: (app, image) => localImage(facts, { app, image }),
  });
  const { references } = wantedImages(uses);
  const dev = "192.168.1.5:5000/apps/dev_amd64_71_fan_ctl:latest";
  for (const wanted of [local, "redis:latest", "b:2", dev]) assert.ok(references.has(wanted), wanted);
});

Deno.test("#13: projectNeedsOf() names images as this device pulls them", () => {
  const app = { id, appName: "Fan_Ctl" };
  assert.deepEqual(projectNeedsOf(facts, { app, definition: dockerCompose }).images, [local]);
});
