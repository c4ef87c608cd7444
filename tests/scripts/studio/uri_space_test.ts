import assert from "node:assert/strict";
import { matches, newObservation, UriMap } from "../../../scripts/studio/router/uri_match.ts";
import { isWithin, meets, type UriSpace } from "../../../scripts/studio/router/uri_space.ts";

const letters = ["a", "b", "ab"];
const texts = ["", ...letters, ...pairs(["", ...letters]), ...pairs(["", ...letters]).map((text) => `a.${text}`)];
const uris = [
  ...letters,
  ...pairs(letters),
  ...letters.flatMap((text) => pairs(letters).map((pair) => `${text}.${pair}`)),
];

function pairs(parts: string[]): string[] {
  return parts.flatMap((first) => parts.map((second) => `${first}.${second}`));
}

function holds(space: UriSpace, uri: string): boolean {
  return "uri" in space ? uri === space.uri : uri.startsWith(space.prefix);
}

Deno.test("#14: for every pattern and space, isWithin() and meets() agree with the URIs that the router would match", () => {
  const spaces: UriSpace[] = [...uris.map((uri) => ({ uri })), ...texts.map((prefix) => ({ prefix }))];
  for (const match of matches) {
    for (const uri of texts) {
      const map = new UriMap();
      map.add(newObservation(uri, match));
      const matched = uris.filter((one) => map.all(one).length > 0);
      for (const space of spaces) {
        const inside = matched.filter((one) => holds(space, one));
        const text = `${match} "${uri}" and ${JSON.stringify(space)}`;
        if (isWithin({ uri, match }, space)) assert.deepEqual(inside, matched, `${text}: within`);
        if (inside.length > 0) assert.ok(meets({ uri, match }, space), `${text}: meets`);
      }
    }
  }
});
