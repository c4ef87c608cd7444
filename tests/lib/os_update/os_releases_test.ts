import assert from "node:assert/strict";
import { currentRelease, latestRelease, readOsReleases } from "../../../lib/os_update/os_releases.ts";

const flock = 'NAME="FlockOS"\nVERSION="v0.10.0-flockos-20220330"\nID=flockos\n';
const latest = '{"name": "FlockOS", "version": "0.11.0", "buildtime": 20220401}';

const systems: [name: string, text: string, release: [name: string, version: string, buildTime: string]][] = [
  ["FlockOS", flock, ["FlockOS", "0.10.0", "20220330"]],
  ["Debian", 'PRETTY_NAME="Debian 12"\nNAME="Debian GNU/Linux"\nVERSION="12 (bookworm)"\n', [
    "Debian GNU/Linux",
    "",
    "",
  ]],
  ["Ubuntu", 'NAME="Ubuntu"\nVERSION="22.04.3 LTS (Jammy)"\n', ["Ubuntu", "", ""]],
  ["Raspberry Pi OS", 'NAME="Raspbian GNU/Linux"\nVERSION="11 (bullseye)"\n', ["Raspbian GNU/Linux", "", ""]],
  ["Fedora", 'NAME="Fedora Linux"\nVERSION="40 (Server Edition)"\n', ["Fedora Linux", "", ""]],
  ["Alpine", 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.19.1\n', ["Alpine Linux", "", ""]],
  ["two parts", "VERSION=1-2\n", ["", "", ""]],
  ["four parts", "VERSION=1-2-3-4\n", ["", "", ""]],
  ["without quotes", "NAME=Flock\nVERSION=v1.2-x-3\n", ["Flock", "1.2", "3"]],
  ["a line with two signs", "NAME=a=b\nVERSION=1-x-2\n", ["", "1", "2"]],
  ["Windows line ends", "NAME=Flock\r\nVERSION=1-x-2\r\n", ["Flock", "1", "2"]],
  ["a version between letters", "NAME=x\nVERSION=vv1.2v-x-2\n", ["x", "1.2", "2"]],
  ["a version of nothing but letters", "VERSION=vvv-x-2\n", ["", "", "2"]],
  ["nothing", "", ["", "", ""]],
];

for (const [name, text, [releaseName, version, buildTime]] of systems) {
  Deno.test(`currentRelease() of ${name}`, () => {
    assert.deepEqual(currentRelease(text), { name: releaseName, version, buildTime });
  });
}

Deno.test("latestRelease() has plain digits, and nothing for what is missing", () => {
  const read = (value: unknown) => latestRelease(JSON.stringify(value), "/x");
  assert.deepEqual(latestRelease(latest, "/x"), { name: "FlockOS", version: "0.11.0", buildTime: "20220401" });
  assert.deepEqual(read({}), { name: "", version: "", buildTime: "" });
  assert.deepEqual(read({ version: 2, buildtime: 2e21, name: null }).buildTime, "2000000000000000000000");
  assert.deepEqual(read({ version: 0.11, buildtime: true }), { name: "", version: "0.11", buildTime: "" });
  for (const text of ["[]", "null", "7", "{", ""]) {
    assert.throws(() => latestRelease(text, "/x"), { code: "bad_request" }, text);
  }
});

Deno.test("readOsReleases() needs both files", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const paths = { current: `${folder}/os-release`, latest: `${folder}/latest.json` };
    assert.equal(await readOsReleases(paths), undefined);
    await Deno.writeTextFile(paths.current, flock);
    assert.equal(await readOsReleases(paths), undefined);
    await Deno.writeTextFile(paths.latest, latest);
    assert.deepEqual((await readOsReleases(paths))?.latest.version, "0.11.0");
    await Deno.remove(paths.latest);
    await Deno.mkdir(paths.latest);
    await assert.rejects(readOsReleases(paths), { code: "io_failed" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
