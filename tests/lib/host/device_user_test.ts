/** Whom a shell on the device runs as. */

import assert from "node:assert/strict";
import { userVariables } from "../../../lib/host/device_user.ts";

const passwd = "root:x:0:0:root:/root:/bin/bash\nbroken\npump:x:1000:1000:,,,:/home/pump:/bin/sh\n";

const rows: [name: string, env: Record<string, string>, uid: number | null, text: string, wanted: string][] = [
  ["the agent's own variables", { HOME: "/h", USER: "u", LANG: "de_DE.UTF-8" }, 0, passwd, "/h u de_DE.UTF-8"],
  ["the user's entry when they are missing", {}, 1000, passwd, "/home/pump pump C.UTF-8"],
  ["the user's entry when they are empty", { HOME: "", USER: "" }, 0, passwd, "/root root C.UTF-8"],
  ["root's usual ones without an entry", {}, 0, "", "/root root C.UTF-8"],
  ["next to nothing for an unknown user", {}, 77, passwd, "/  C.UTF-8"],
];

for (const [name, env, uid, text, wanted] of rows) {
  Deno.test(`userVariables() are ${name}`, () => {
    const { HOME, USER, LANG } = userVariables(env, { uid, passwd: text });
    assert.equal(`${HOME} ${USER} ${LANG}`, wanted);
  });
}
