import assert from "node:assert/strict";
import {
  isValidUri,
  type Match,
  matches,
  newObservation,
  type Observation,
  randomId,
  UriMap,
} from "../../../scripts/studio/router/uri_match.ts";

Deno.test("isValidUri() accepts empty parts only where a policy allows them", () => {
  const rows: [string, boolean, boolean, boolean][] = [
    // URI, exact, prefix, wildcard
    ["a", true, true, true],
    ["re.mgmt.SN-1.term_write", true, true, true],
    ["reswarm.device.%d.list/ondestroy", true, true, true],
    ["a.", false, true, true],
    ["", false, true, true],
    [".a", false, false, true],
    ["a..b", false, false, true],
    ["a b", false, false, false],
    ["a\tb", false, false, false],
    ["a#b", false, false, false],
    ["grün.ü", true, true, true],
  ];
  for (const [uri, ...expected] of rows) {
    assert.deepEqual(matches.map((match) => isValidUri(uri, match)), expected, JSON.stringify(uri));
  }
});

Deno.test("isValidUri() is fast for a long hostile URI", () => {
  const started = performance.now();
  for (const match of matches) isValidUri(`${"a.".repeat(500_000)} `, match);
  assert.ok(performance.now() - started < 1000);
});

Deno.test("randomId() returns different ids between 1 and 2^53", () => {
  const ids = Array.from({ length: 1000 }, randomId);
  assert.ok(ids.every((id) => Number.isSafeInteger(id) && id > 0));
  assert.equal(new Set(ids).size, ids.length);
});

Deno.test("UriMap finds by id and by URI until the observation is removed", () => {
  const map = new UriMap<Observation>();
  const one = newObservation("a.b", "prefix");
  map.add(one);
  assert.equal(map.byId(one.id), one);
  assert.equal(map.get("a.b", "prefix"), one);
  assert.equal(map.get("a.b", "exact"), undefined);
  assert.deepEqual(map.list("prefix"), [one]);
  map.remove(one);
  assert.deepEqual([map.byId(one.id), map.get("a.b", "prefix"), map.best("a.b"), map.all("a.b")], [
    undefined,
    undefined,
    undefined,
    [],
  ]);
});

Deno.test("UriMap.best() prefers exact, then the longest prefix, then the wildcard with the longest literal start", () => {
  const rows: [string, string | undefined][] = [
    ["a.b.c", "exact a.b.c"],
    ["a.b.d", "prefix a.b"],
    ["a.x.c", "prefix a."],
    ["q.r.s", "wildcard q..s"],
    ["x.r.s", "wildcard ..s"],
    ["x.r.t", undefined],
  ];
  const map = filled(["exact a.b.c", "prefix a.", "prefix a.b", "wildcard ..s", "wildcard q..s"]);
  for (const [uri, expected] of rows) assert.equal(nameOf(map.best(uri)), expected, uri);
});

Deno.test("UriMap.all() and best() agree with a plain implementation, for random patterns and URIs", () => {
  const parts = ["a", "b", "ab", ""];
  let seed = 7;
  const pick = (limit: number) => (seed = (seed * 48271) % 2147483647) % limit;
  const randomUri = () => Array.from({ length: 1 + pick(3) }, () => parts[pick(4)]).join(".");
  for (let round = 0; round < 300; round++) {
    const names = new Set(Array.from({ length: 8 }, () => `${matches[pick(3)]} ${randomUri()}`));
    const map = filled([...names]);
    const uri = randomUri();
    const expected = [...names].filter((name) => fits(name, uri)).sort();
    assert.deepEqual(map.all(uri).map(nameOf).sort(), expected, `${uri} in ${[...names]}`);
    assert.equal(map.best(uri) !== undefined, expected.length > 0);
  }
});

function filled(names: string[]): UriMap<Observation> {
  const map = new UriMap<Observation>();
  for (const name of names) {
    const [policy, uri = ""] = name.split(" ");
    const match: Match = matches.find((known) => known === policy) ?? "exact";
    map.add(newObservation(uri, match));
  }
  return map;
}

function nameOf(observation: Observation | undefined): string | undefined {
  return observation && `${observation.match} ${observation.uri}`;
}

function fits(name: string, uri: string): boolean {
  const [policy, pattern = ""] = name.split(" ");
  if (policy === "exact") return pattern === uri;
  if (policy === "prefix") return uri.startsWith(pattern);
  const expression = pattern.split(".").map((part) => part === "" ? "[^.]*" : part).join("\\.");
  return new RegExp(`^${expression}$`).test(uri);
}
