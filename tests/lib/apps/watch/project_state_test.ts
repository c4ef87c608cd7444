import assert from "node:assert/strict";
import type { ObservedService } from "../../../../lib/apps/state/observed_app.ts";
import { projectNeeds, projectState } from "../../../../lib/apps/watch/project_state.ts";

/** `web:running db:exited:3`: service, status, exit code. */
function servicesOf(text: string): ObservedService[] {
  return text.split(" ").filter(Boolean).map((part, index) => {
    const [service = "", status = "", exitCode] = part.split(":");
    const ended = exitCode === undefined ? {} : { exitCode: Number(exitCode) };
    return { id: `${index}`, name: `p-${service}-1`, service, number: 1, status, ...ended };
  });
}

const needs = projectNeeds({ services: { web: { image: "w" }, db: { image: "d" } } });

function shown(text: string, isStrict = false): string {
  const state = projectState(servicesOf(text), { needs, isStrict });
  if (state.kind === "failed") return `failed ${state.failed.service} ${state.failed.exitCode}`;
  return state.kind === "incomplete" ? `incomplete ${state.missing.join(" ")}` : state.kind;
}

Deno.test("projectState() says how a project of two services is doing", () => {
  const cases: [string, string][] = [
    ["", "none"],
    ["web:running db:running", "running"],
    ["web:running db:paused", "running"],
    ["web:running db:restarting:1", "running"],
    ["web:running db:exited:0", "running"],
    ["web:exited:0 db:exited:0", "finished"],
    ["web:running db:exited:3", "failed db 3"],
    ["web:exited:0 db:exited:137", "failed db 137"],
    ["web:created db:exited:3", "failed db 3"],
    ["web:running db:dead", "failed db undefined"],
    ["web:running db:created", "incomplete db"],
    ["web:created db:created", "incomplete web db"],
    ["web:running", "incomplete db"],
    ["db:exited:0", "incomplete web"],
    ["web:running db:removing", "incomplete db"],
    // Compose renames a container before it puts another in its place.
    ["web:running web:created db:running", "incomplete web"],
    // Services of another definition do not count.
    ["web:running db:running old:exited:1", "running"],
    ["old:running", "incomplete web db"],
  ];
  for (const [services, expected] of cases) assert.equal(shown(services), expected, services);
});

Deno.test("projectState() counts a service that is started again after an error as failed only when it is strict", () => {
  assert.equal(shown("web:running db:restarting:1", true), "failed db 1");
  assert.equal(shown("web:running db:restarting:0", true), "running");
});

Deno.test("projectNeeds() names what up starts without profiles", () => {
  const needs = projectNeeds({
    services: {
      web: { image: "w:1", scale: 2 },
      api: { image: "a", deploy: { replicas: 3 } },
      off: { image: "o", scale: 0 },
      none: { image: "n", deploy: { replicas: 0 } },
      debug: { image: "x", profiles: ["debug"] },
      plain: { image: "w:1", profiles: [] },
      built: { build: ".", image: "b" },
      variable: { image: "$X" },
      odd: 3,
    },
  });
  assert.deepEqual(Object.fromEntries(needs.services), { web: 2, api: 3, plain: 1, built: 1, variable: 1 });
  assert.deepEqual(needs.images, ["w:1", "a", "b"]);
  for (const broken of [null, {}, { services: null }, { services: [] }, { services: "x" }]) {
    assert.deepEqual(projectNeeds(broken), { services: new Map(), images: [] });
  }
});

Deno.test("projectNeeds() names images as they are pulled on this device", () => {
  const definition = { services: { web: { image: "a/x:1" }, db: { image: "redis" } } };
  const relocate = (image: string) => image.replace("a/", "b/");
  assert.deepEqual(projectNeeds(definition, { relocate }).images, ["b/x:1", "redis"]);
});

Deno.test("projectState() needs as many containers of a service as the definition has", () => {
  const two = projectNeeds({ services: { web: { scale: 2 } } });
  assert.deepEqual(projectState(servicesOf("web:running"), { needs: two }), { kind: "incomplete", missing: ["web"] });
  assert.deepEqual(projectState(servicesOf("web:running web:exited:0"), { needs: two }), { kind: "running" });
});
