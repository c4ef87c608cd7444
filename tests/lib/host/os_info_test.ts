import assert from "node:assert/strict";
import { linuxRelease, osInfoLine, readOsInfo, windowsRelease } from "../../../lib/host/os_info.ts";
import { releaseFiles } from "./release_files.ts";

const lsb = (id: string) => `DISTRIB_ID=${id}\nDISTRIB_RELEASE=22.04\nDISTRIB_DESCRIPTION="x"\n`;

for (const [name, files, expected] of releaseFiles) {
  Deno.test(`linuxRelease() of ${name}`, () => {
    const { platform, version } = linuxRelease((path) => files[path]);
    assert.equal(`${platform} ${version}`, expected);
  });
}

const distributions: { files: Record<string, string>; expected: string }[] = [
  {
    files: { "/etc/debian_version": "12.5\n", "/etc/os-release": 'ID=debian\nVERSION_ID="12"\n' },
    expected: "debian 12.5",
  },
  { files: { "/etc/debian_version": "bookworm/sid\n", "/etc/lsb-release": lsb("Ubuntu") }, expected: "ubuntu 22.04" },
  { files: { "/etc/debian_version": "12.5\n", "/etc/lsb-release": lsb("Other") }, expected: "debian 12.5" },
  { files: { "/etc/debian_version": "11.9\n", "/usr/bin/raspi-config": "#!" }, expected: "raspbian 11.9" },
  { files: { "/etc/redhat-release": "Red Hat Enterprise Linux release 9.3 (Plow)\n" }, expected: "redhat 9.3" },
  { files: { "/etc/redhat-release": "Fedora release 40 (Forty)\n" }, expected: "fedora 40" },
  {
    files: { "/etc/oracle-release": "Oracle Linux Server release 8.9\n", "/etc/redhat-release": "x" },
    expected: "oracle 8.9",
  },
  { files: { "/etc/system-release": "Amazon Linux release 2 (Karoo)\n" }, expected: "amazon 2" },
  { files: { "/etc/slackware-version": "Slackware 15.0\n" }, expected: "slackware 15.0" },
  { files: { "/etc/SuSE-release": "openSUSE 13.2 (x86_64)\nVERSION = 13.2\n" }, expected: "opensuse 13.2" },
  { files: { "/etc/arch-release": "", "/etc/lsb-release": lsb("Arch") }, expected: "arch 22.04" },
  { files: { "/etc/alpine-release": "3.20.1\n" }, expected: "alpine 3.20.1" },
  { files: { "/etc/os-release": 'NAME="Flock OS"\nID=flockos\nVERSION_ID="1.4"\n' }, expected: "flockos 1.4" },
  { files: {}, expected: " " },
];

for (const { files, expected } of distributions) {
  Deno.test(`linuxRelease() recognises "${expected}" by ${Object.keys(files).join(" and ") || "nothing"}`, () => {
    const { platform, version } = linuxRelease((path) => files[path]);
    assert.equal(`${platform} ${version}`, expected);
  });
}

Deno.test("osInfoLine() leaves out what is empty or repeated", () => {
  assert.equal(
    osInfoLine("linux", { platform: "debian", version: "12.5", kernel: "6.1.0-18-arm64" }),
    "linux debian 12.5 6.1.0-18-arm64",
  );
  assert.equal(osInfoLine("darwin", { platform: "darwin", version: "14.5", kernel: "23.5.0" }), "darwin 14.5 23.5.0");
  assert.equal(osInfoLine("linux", { platform: "", version: "", kernel: "6.1" }), "linux 6.1");
});

Deno.test("windowsRelease() reads the registry and recognises Windows 11 by its build", () => {
  const answer = [
    "",
    "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion",
    "    ProductName    REG_SZ    Windows 10 Pro",
    "    DisplayVersion    REG_SZ    23H2",
    "    CurrentBuildNumber    REG_SZ    22631",
    "    CurrentMajorVersionNumber    REG_DWORD    0xa",
    "    CurrentMinorVersionNumber    REG_DWORD    0x0",
    "    UBR    REG_DWORD    0xf28",
    "",
  ].join("\r\n");
  assert.equal(
    osInfoLine("windows", windowsRelease(answer)),
    "windows Microsoft Windows 11 Pro 23H2 10.0.22631.3880 Build 22631.3880",
  );
  const ten = answer.replace("22631", "19045").replace("23H2", "22H2");
  assert.equal(
    osInfoLine("windows", windowsRelease(ten)),
    "windows Microsoft Windows 10 Pro 22H2 10.0.19045.3880 Build 19045.3880",
  );
});

Deno.test("readOsInfo() of this machine ends with its kernel", async () => {
  const text = await readOsInfo(new AbortController().signal);
  assert.ok(text.startsWith(`${Deno.build.os} `));
  assert.ok(text.endsWith(Deno.osRelease()));
});
