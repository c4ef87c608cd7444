import assert from "node:assert/strict";
import { mergeByTime } from "../../../lib/local/container_lines.ts";
import { findApp, type ListedContainer } from "../../../lib/local/find_log.ts";

function container(name: string, labels: Record<string, string> = {}): ListedContainer {
  return { id: `id of ${name}`, names: [name], labels };
}

const project = { "com.docker.compose.project": "prod_9_net_compose" };
const containers = [
  container("prod_7_shop"),
  container("dev_7_shop"),
  container("prod_8_pump_2"),
  container("prod_9_net_compose-web-1", project),
  container("prod_9_net_compose-db-1", project),
  container("prod_9_net_compose-run-1", { ...project, "com.docker.compose.oneoff": "True" }),
  container("somebody_elses"),
];

const table: readonly [wanted: string, expected: [name: string, containers: number][]][] = [
  ["shop", [["dev_7_shop", 1], ["prod_7_shop", 1]]],
  ["prod_7_shop", [["prod_7_shop", 1]]],
  ["PUMP_2", [["prod_8_pump_2", 1]]],
  ["Net", [["prod_9_net", 2]]],
  ["prod_9_net", [["prod_9_net", 2]]],
  ["2", []],
  ["somebody_elses", []],
  ["", []],
];

for (const [wanted, expected] of table) {
  Deno.test(`findApp() finds "${wanted}"`, () => {
    assert.deepEqual(findApp(wanted, containers).map(({ name, containers }) => [name, containers.length]), expected);
  });
}

async function* log(...batches: [time: string, text: string][][]) {
  for (const batch of batches) yield await Promise.resolve(batch.map(([time, text]) => ({ time, text })));
}

Deno.test("mergeByTime() keeps the order of time, and that of each log", async () => {
  const merged = mergeByTime([
    log([["1", "a"], ["4", "b"]], [["2", "set back"], ["9", "c"]]),
    log([["2", "x"]], [["3", "y"], ["8", "z"]]),
    log(),
  ]);
  const texts = (await Array.fromAsync(merged)).flat().map(({ text }) => text);
  assert.deepEqual(texts, ["a", "x", "y", "b", "set back", "z", "c"]);
});
