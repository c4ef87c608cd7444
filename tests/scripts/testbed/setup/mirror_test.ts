import assert from "node:assert/strict";
import { findMirror, readSources } from "../../../../scripts/testbed/setup/mirror.ts";

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

Deno.test("findMirror() reads both formats of apt's sources and accepts only Debian's main archive", () => {
  const table: [string, string, ReturnType<typeof findMirror>][] = [
    ["sources.list", "deb http://m.example/debian bookworm main", {
      url: "http://m.example/debian",
      signedBy: keyring,
    }],
    ["sources.list", "# deb http://m.example/debian bookworm main\n", undefined],
    ["sources.list", "deb-src http://m.example/debian bookworm main\n", undefined],
    [
      "a.list",
      "deb http://s.example/debian-security bookworm-security main\n" +
      "deb [arch=amd64 signed-by=/k.gpg] https://m.example/d/ trixie main contrib",
      { url: "https://m.example/d/", signedBy: "/k.gpg" },
    ],
    ["a.list", "deb https://p.example/apt other-bookworm main", undefined],
    [
      "debian.sources",
      "Types: deb\nURIs: http://s.example/security\nSuites: bookworm-security\nComponents: main\n\n" +
      "Types: deb\n# a note\nURIs: http://m.example/debian http://n.example/debian\nSuites: bookworm bookworm-updates\n" +
      "Components: main\nSigned-By: /k.gpg\n",
      { url: "http://m.example/debian", signedBy: "/k.gpg" },
    ],
    ["d.sources", "Types: deb\nURIs:\n http://m.example/debian\nSuites: sid\nComponents: main", {
      url: "http://m.example/debian",
      signedBy: keyring,
    }],
    ["d.sources", "Enabled: no\nTypes: deb\nURIs: http://m.example/debian\nSuites: sid\nComponents: main", undefined],
    ["d.sources", "Types: deb-src\nURIs: http://m.example/debian\nSuites: sid\nComponents: main", undefined],
    ["d.sources", "Types: deb\nURIs: https://n.example/node\nSuites: nodistro\nComponents: main", undefined],
  ];
  for (const [path, text, mirror] of table) assert.deepEqual(findMirror([{ path, text }]), mirror, text);
});

Deno.test("readSources() finds all of apt's source files", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assert.deepEqual(await readSources(folder), []);
    await Deno.mkdir(`${folder}/sources.list.d`);
    await Deno.writeTextFile(`${folder}/sources.list.d/b.sources`, "b");
    await Deno.writeTextFile(`${folder}/sources.list.d/a.list`, "a");
    await Deno.writeTextFile(`${folder}/sources.list.d/a.list.save`, "no");
    await Deno.writeTextFile(`${folder}/sources.list`, "first");
    assert.deepEqual((await readSources(folder)).map((file) => file.text), ["first", "a", "b"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
