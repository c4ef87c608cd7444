/** Which shell a terminal in a container gets. */

import assert from "node:assert/strict";
import { chooseShell } from "../../../lib/terminals/shell_choice.ts";

const rows: [name: string, text: string, shell: string][] = [
  ["the first in the order of the file", "# comment\n/bin/sh\n/bin/bash\n/bin/zsh\n", "/bin/bash"],
  ["zsh when it comes first", "/bin/zsh\r\n/bin/bash\r\n", "/bin/zsh"],
  ["the plain shell for others", "/usr/bin/bash\n/bin/dash\n/bin/fish\n", "/bin/sh"],
  ["no part of a line", "/bin/bash2\n /bin/zsh\n#/bin/bash", "/bin/sh"],
  ["nothing", "", "/bin/sh"],
];

for (const [name, text, shell] of rows) {
  Deno.test(`chooseShell() chooses ${name}`, () => assert.equal(chooseShell(text), shell));
}
