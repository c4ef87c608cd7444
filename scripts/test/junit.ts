/** Reads the JUnit reports of the runtime's test runner. Pure. */

/** How one test ended. Steps of a test count as tests. */
export interface TestOutcome {
  /** Path of the test's file from the project's root. */
  file: string;
  name: string;
  kind: "passed" | "failed" | "skipped";
  /** The error, for a failed test. */
  text: string;
}

/** The outcomes in a report; none in an empty one. */
export function readJunit(xml: string): TestOutcome[] {
  const outcomes: TestOutcome[] = [];
  const pattern = /<testcase name="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g;
  for (const [, name = "", file = "", body = ""] of xml.matchAll(pattern)) {
    const failure = /<(?:failure|error) message="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/(?:failure|error)>)/.exec(body);
    outcomes.push({
      file: unescape(file).replace(/^\.\//, ""),
      name: unescape(name),
      kind: failure !== null ? "failed" : body.includes("<skipped") ? "skipped" : "passed",
      text: failure === null ? "" : unescape(failure[2] || failure[1] || ""),
    });
  }
  return outcomes;
}

/**
 * The outcomes of one run: those in its report, one failure for each file that the report does not mention (it did not
 * load, or has no test), and one for a run that failed without a failed test. `killedBecause` is why it was not left to
 * end.
 */
export function judgeRun(
  files: readonly string[],
  run: { xml: string; success: boolean; output: string; killedBecause?: string },
): TestOutcome[] {
  const outcomes = readJunit(run.xml);
  const seen = new Set(outcomes.map((outcome) => outcome.file));
  const silent = files.filter((file) => !seen.has(file));
  const text = lastLines(run);
  if (silent.length === files.length) {
    const file = files.length === 1 ? files[0] ?? "" : `${files.length} files`;
    return [{ file, name: "ran no test", kind: "failed", text }];
  }
  for (const file of silent) outcomes.push({ file, name: "ran no test", kind: "failed", text: "" });
  if (!run.success && !outcomes.some((outcome) => outcome.kind === "failed")) {
    outcomes.push({ file: files.join(", "), name: "ended with an error", kind: "failed", text });
  }
  return outcomes;
}

/** The last line of a run that was killed names the test that hung, and summaries show the first lines. */
function lastLines({ output, killedBecause }: { output: string; killedBecause?: string }): string {
  const lines = output.trim().split("\n");
  return killedBecause === undefined ? lines.slice(-40).join("\n") : [killedBecause, ...lines.slice(-1)].join("\n");
}

function unescape(text: string): string {
  const characters: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|([a-z]+));/gi, (whole, decimal, hex, name) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
    return characters[name] ?? whole;
  });
}
