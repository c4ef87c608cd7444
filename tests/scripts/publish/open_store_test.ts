import assert from "node:assert/strict";
import { openStore } from "../../../scripts/publish/open_store.ts";

Deno.test("openStore() takes a bucket or a folder, and a token for a bucket", () => {
  const names = [
    ["folder:/srv/re-agent/", {}, "folder:/srv/re-agent"],
    ["gs://re-agent", { GOOGLE_OAUTH_ACCESS_TOKEN: "t" }, "gs://re-agent"],
    ["gs://re-agent/", { CLOUDSDK_AUTH_ACCESS_TOKEN: "t" }, "gs://re-agent"],
    ["gs://re-agent", { STORAGE_EMULATOR_HOST: "127.0.0.1:1" }, "gs://re-agent"],
  ] as const;
  for (const [text, environment, name] of names) {
    using store = openStore(text, { environment });
    assert.equal(store.name, name);
  }
  assert.throws(() => openStore("gs://re-agent", { environment: {} }), { message: /no token in GOOGLE_OAUTH_ACCESS/ });
  for (const text of ["", "/srv", "s3://x", "gs://", "gs://a/b", "folder:"]) {
    assert.throws(() => openStore(text, { environment: { GOOGLE_OAUTH_ACCESS_TOKEN: "t" } }), {
      message: /must be gs:\/\/BUCKET or folder:\/PATH$/,
    });
  }
});
