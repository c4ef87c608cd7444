import assert from "node:assert/strict";
import { engineFailure } from "../../../lib/docker/errors.ts";

const cases = [
  { status: 404, message: "No such container: shop", code: "container_missing" },
  { status: 404, message: "No such image: shop:1", code: "image_missing" },
  { status: 404, message: "manifest unknown", missing: "image_missing", code: "image_missing" },
  { status: 404, message: "page not found", code: "engine_failed" },
  { status: 409, message: "removal of container 12 is already in progress", code: "removal_running" },
  {
    status: 409,
    message: 'Conflict. The container name "/a" is already in use by container "1".',
    code: "name_in_use",
  },
  { status: 409, message: "cannot remove container: container is running", code: "engine_failed" },
  { status: 403, message: "network a id 12 has active endpoints", code: "network_in_use" },
  { status: 403, message: "network a is a pre-defined network and cannot be removed", code: "engine_failed" },
  { status: 500, message: "Bind for 0.0.0.0:80 failed: port is already allocated", code: "port_in_use" },
  { status: 500, message: "listen tcp4 0.0.0.0:80: bind: address already in use", code: "port_in_use" },
  { status: 500, message: "write /var/lib/docker/x: no space left on device", code: "no_space" },
  { status: 500, message: 'exec: "nvidia": executable file not found', code: "engine_failed" },
  { status: 400, message: "invalid reference format", code: "engine_refused" },
  { status: 400, message: "no space left on device", code: "no_space" },
  {
    status: 400,
    message: "client version 1.99 is too new. Maximum supported API version is 1.47",
    code: "engine_failed",
  },
] as const;

for (const given of cases) {
  Deno.test(`engineFailure() makes ${given.code} of ${given.status} "${given.message}"`, () => {
    const missing = "missing" in given ? { missing: given.missing } : {};
    const error = engineFailure("Doing it", {
      status: given.status,
      text: JSON.stringify({ message: given.message }),
      ...missing,
    });
    assert.equal(error.code, given.code);
    assert.equal(error.message, `Doing it failed: ${given.message}`);
  });
}

Deno.test("engineFailure() handles bodies that are not JSON, empty or huge", () => {
  const messageFor = (text: string) => engineFailure("X", { status: 500, text }).message;
  assert.equal(messageFor("page not found\n"), "X failed: page not found");
  assert.equal(messageFor(""), "X failed: no reason given");
  assert.equal(messageFor('{"message":5}'), 'X failed: {"message":5}');
  assert.ok(messageFor("y".repeat(1e6)).length < 2100);
});
