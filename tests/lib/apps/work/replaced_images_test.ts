import assert from "node:assert/strict";
import { dropReplaced } from "../../../../lib/apps/work/replaced_images.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import type { ImageSummary } from "../../../../lib/docker/decode.ts";
import { never } from "../../../fakes/fake_handler_device.ts";

function image(id: string, ...repoTags: string[]): ImageSummary {
  const sizes = { size: undefined, sharedSize: undefined, virtualSize: undefined };
  return { id, repoTags, labels: {}, created: undefined, containers: undefined, ...sizes };
}

async function removedBy(work: (images: ImageSummary[]) => void): Promise<string[]> {
  const images = [image("app", "app:latest"), image("other", "other:1"), image("nameless")];
  const removed: string[] = [];
  const engine = {
    listImages: () => Promise.resolve(images.map((one) => ({ ...one, repoTags: [...one.repoTags] }))),
    untag: (id: string) => Promise.resolve(void removed.push(id)),
  };
  const options = { references: ["app"], work: async () => await work(images) };
  await dropReplaced({ engine, log: silentLog }, options, never).catch(() => {});
  return removed;
}

const replace = (images: ImageSummary[], left: string[]) => {
  images.splice(0, 1, image("new", "app:latest"), image("app", ...left));
};

Deno.test("dropReplaced() removes an image that has lost its last name, also when the build fails after that", async () => {
  assert.deepEqual(await removedBy((images) => replace(images, [])), ["app"]);
  assert.deepEqual(
    await removedBy((images) => {
      replace(images, []);
      throw new Error("another service cannot be built");
    }),
    ["app"],
  );
});

Deno.test("dropReplaced() leaves what still has a name, and what was nameless before", async () => {
  assert.deepEqual(await removedBy(() => {}), []);
  assert.deepEqual(await removedBy((images) => replace(images, ["release:1"])), []);
});
