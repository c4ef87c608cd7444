import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { limitedEngineSettings, limitLogs } from "../../../lib/disk_space/log_limits.ts";

const never = new AbortController().signal;
const options = '  "log-opts": {\n    "max-size": "10m",\n    "max-file": "3"\n  }';
const both = `{\n  "log-driver": "json-file",\n${options}\n}\n`;

const cases: [string, string | undefined, string | undefined][] = [
  ["no file", undefined, both],
  ["an empty object", "{}", both],
  [
    "other settings, also big numbers and odd order",
    '{"2": 12345678901234567890, "1": [{"a": "  b"}]}',
    [
      "{",
      '  "2": 12345678901234567890,',
      '  "1": [',
      "    {",
      '      "a": "  b"',
      "    }",
      "  ],",
      '  "log-driver": "json-file",',
      `${options}`,
      "}",
      "",
    ].join("\n"),
  ],
  ["a null driver", '{"log-driver": null}', both],
  ["an empty driver", '{"log-driver": ""}', both],
  ["the driver without limits", '{"log-driver": "json-file"}', both],
  ["the other driver with limits", '{"log-driver": "local"}', both.replace("json-file", "local")],
  ["a driver without limits", '{"log-driver": "journald"}', undefined],
  ["a driver of a wrong type", '{"log-driver": 5}', undefined],
  ["foreign limits", '{"log-driver": "json-file", "log-opts": {"max-size": "1g"}}', undefined],
  ["empty limits", '{"log-driver": "json-file", "log-opts": {}}', undefined],
  [
    "foreign limits without a driver",
    '{"log-opts": {"max-size": "1g"}}',
    '{\n  "log-opts": {\n    "max-size": "1g"\n  },\n  "log-driver": "json-file"\n}\n',
  ],
  ["its own result", both, undefined],
  ["no JSON", "{log-driver", undefined],
  ["an empty file", "", undefined],
  ["a list", "[]", undefined],
];

for (const [name, text, expected] of cases) {
  Deno.test(`limitedEngineSettings() of ${name}`, () => {
    assert.equal(limitedEngineSettings(text), expected);
  });
}

/** The `/etc` of a test device. */
class Etc implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly files = { engineFile: `${this.folder}/docker/daemon.json`, systemdFolder: `${this.folder}/systemd` };
  readonly journalFile = `${this.folder}/systemd/journald.conf.d/10-ironflock.conf`;
  restarts = 0;

  async limit(): Promise<void> {
    const restartJournal = () => {
      this.restarts += 1;
      return Promise.reject(new Error("no such service"));
    };
    await limitLogs({ files: this.files, restartJournal, log: silentLog }, never);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("limitLogs() writes both files once, readable by all, and restarts the journal once", async () => {
  await using etc = new Etc();
  await Deno.mkdir(etc.files.systemdFolder);
  await etc.limit();
  assert.equal(await Deno.readTextFile(etc.files.engineFile), both);
  assert.equal(await Deno.readTextFile(etc.journalFile), "[Journal]\nSystemMaxUse=200M\n");
  assert.equal(((await Deno.stat(etc.files.engineFile)).mode ?? 0) & 0o777, 0o644);
  assert.equal(((await Deno.stat(etc.journalFile)).mode ?? 0) & 0o777, 0o644);
  const before = [await Deno.stat(etc.files.engineFile), await Deno.stat(etc.journalFile)];
  await etc.limit();
  const after = [await Deno.stat(etc.files.engineFile), await Deno.stat(etc.journalFile)];
  assert.deepEqual(after.map(({ ino }) => ino), before.map(({ ino }) => ino));
  assert.equal(etc.restarts, 1);
});

Deno.test("limitLogs() creates no systemd folders on a device without systemd", async () => {
  await using etc = new Etc();
  await etc.limit();
  assert.deepEqual([...Deno.readDirSync(etc.folder)].map(({ name }) => name), ["docker"]);
  assert.equal(etc.restarts, 0);
});

Deno.test("limitLogs() limits the journal although the engine's settings cannot be read", async () => {
  await using etc = new Etc();
  await Deno.mkdir(etc.files.systemdFolder);
  await Deno.mkdir(etc.files.engineFile, { recursive: true });
  await etc.limit();
  assert.equal(etc.restarts, 1);
});
