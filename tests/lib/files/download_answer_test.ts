import assert from "node:assert/strict";
import { type FileIdentity, ifRangeOf, judgeAnswer } from "../../../lib/files/download_answer.ts";

const limitBytes = 1_000_000;
const date = "Tue, 01 Dec 2026 00:00:00 GMT";
const known: FileIdentity = { etag: '"one"', lastModified: date, sizeBytes: 900 };

const parts: [name: string, identity: FileIdentity | undefined, headers: Record<string, string>, kind: string][] = [
  ["of a file that nothing is known of", undefined, { etag: '"two"' }, "take"],
  ["of the same file", known, { etag: '"one"', "last-modified": date }, "take"],
  ["without any of it", known, {}, "take"],
  ["with another tag", known, { etag: '"two"' }, "startOver"],
  ["of another date", known, { "last-modified": "Wed, 02 Dec 2026 00:00:00 GMT" }, "startOver"],
  ["of another size", { ...known, sizeBytes: 901 }, {}, "startOver"],
  ["of a size that was not known", { ...known, sizeBytes: undefined }, {}, "take"],
];

for (const [name, identity, headers, kind] of parts) {
  Deno.test(`judgeAnswer() of a part ${name}: ${kind}`, () => {
    const part = { status: 206, headers: new Headers({ "content-range": "bytes 100-899/900", ...headers }) };
    assert.equal(judgeAnswer(part, { have: 100, limitBytes, identity }).kind, kind);
    const end = { status: 416, headers: new Headers({ "content-range": "bytes */900", ...headers }) };
    const isOther = "etag" in headers || "last-modified" in headers ? kind : "take";
    const whole = judgeAnswer(end, { have: 900, limitBytes, identity }).kind;
    assert.equal(whole, isOther === "startOver" ? "startOver" : "complete");
  });
}

Deno.test("ifRangeOf() uses a strong tag, else a date", () => {
  assert.equal(ifRangeOf(known), '"one"');
  for (const etag of ["", 'W/"one"', "one", '"a"b"']) assert.equal(ifRangeOf({ ...known, etag }), date, etag);
  assert.equal(ifRangeOf({ etag: 'W/"x"', lastModified: "", sizeBytes: 3 }), undefined);
});
