// box storage
/** Publishing to a folder. */

import { makePublishPlace } from "./place.ts";
import { publishCases } from "./publish_cases.ts";

for (const { name, run } of publishCases) {
  Deno.test(`in a folder: ${name}`, async () => {
    await using place = await makePublishPlace((folder) => `folder:${folder}/public/re-agent`);
    await run(place);
  });
}
