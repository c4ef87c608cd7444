import assert from "node:assert/strict";
import type { ObservedApp, ObservedService } from "../../../../lib/apps/state/observed_app.ts";
import { checkedContainers, exitOf, failedServiceOf, isFinished } from "../../../../lib/apps/watch/app_health.ts";
import { projectNeeds } from "../../../../lib/apps/watch/project_state.ts";

const project = "prod_7_shop_compose";
const compose = { needs: projectNeeds({ services: { web: {}, db: {} } }), hasFolder: true };
const context = { project, compose };

function service(name: string, change: Partial<ObservedService>): ObservedService {
  return { id: name, name: `${project}-${name}-1`, service: name, number: 1, status: "running", ...change };
}

function observed(web: Partial<ObservedService>, db: Partial<ObservedService>): ObservedApp {
  return { containers: [], tags: [], project: { services: [service("db", db), service("web", web)], images: {} } };
}

Deno.test("exitOf() names the service of a project that has failed", () => {
  assert.deepEqual(exitOf(observed({ status: "exited", exitCode: 3, wasKilled: false }, {}), context), {
    kind: "exit",
    exitCode: 3,
    wasKilled: false,
    service: { id: "web", name: "web-1" },
  });
  const single = { containers: [{ id: "a", name: "x", status: "exited", exitCode: 9, wasKilled: true }], tags: [] };
  assert.deepEqual(exitOf(single, { project, compose: undefined }), { kind: "exit", exitCode: 9, wasKilled: true });
});

Deno.test("failedServiceOf() finds a service that is started again and again only when it is strict", () => {
  const looping = observed({ status: "restarting", exitCode: 1 }, {});
  assert.equal(failedServiceOf(looping, { ...context, isStrict: false }), undefined);
  assert.equal(failedServiceOf(looping, { ...context, isStrict: true })?.service?.name, "web-1");
});

Deno.test("isFinished() is true when every service has done its work", () => {
  const done = { status: "exited", exitCode: 0 };
  assert.equal(isFinished(observed(done, done), context), true);
  assert.equal(isFinished(observed(done, {}), context), false);
  assert.equal(isFinished({ containers: [], tags: [] }, { compose: undefined }), false);
});

Deno.test("checkedContainers() are those whose check has come to a verdict", () => {
  const seen = observed({ health: "unhealthy" }, { health: "healthy" });
  assert.deepEqual(checkedContainers(seen, context).map(({ service, isUnhealthy }) => [service?.name, isUnhealthy]), [
    ["db-1", false],
    ["web-1", true],
  ]);
  assert.deepEqual(checkedContainers(observed({ health: "starting" }, {}), context), []);
  assert.deepEqual(checkedContainers(observed({ health: "unhealthy", status: "exited" }, {}), context), []);
  const single = { containers: [{ id: "a", name: "x", status: "running", health: "unhealthy" as const }], tags: [] };
  assert.deepEqual(checkedContainers(single, { project, compose: undefined }), [{ id: "a", isUnhealthy: true }]);
});
