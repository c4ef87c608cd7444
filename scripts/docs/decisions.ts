/** Makes the index of the decisions from their pages. Pure but for `readDecisions()`. */

import { table } from "./markdown.ts";

/** One page in `docs/decisions/`. */
export interface Decision {
  /** Without its folder. */
  file: string;
  text: string;
}

/** The fields that every page has, in this order. */
export const decisionFields = ["Date", "Choice", "Reason", "Cost", "What would change it"] as const;

/** The pages in a folder, by their numbers. */
export function readDecisions(folder: string): Decision[] {
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => /^\d{4}-.*\.md$/.test(name));
  return files.sort().map((file) => ({ file, text: Deno.readTextFileSync(`${folder}/${file}`) }));
}

/** The title of a page, without its number. */
export function titleOf({ text }: Decision): string {
  return /^# \d+\. (.*)$/m.exec(text)?.[1] ?? "";
}

/** The text of a field on one line; empty when the page does not have it. */
export function fieldOf({ text }: Decision, field: typeof decisionFields[number]): string {
  const [, found = ""] =
    new RegExp(`^- \\*\\*${field}:\\*\\* ([\\s\\S]*?)(?=\\n- \\*\\*|\\n\\n|\\n*$(?![\\s\\S]))`, "m")
      .exec(text) ?? [];
  return found.replaceAll(/\s+/g, " ").trim();
}

/** The index as Markdown, not yet formatted. */
export function renderDecisions(decisions: readonly Decision[]): string {
  const rows = decisions.map((decision) => {
    const number = String(Number(decision.file.slice(0, 4)));
    return [number, `[${titleOf(decision)}](${decision.file})`, fieldOf(decision, "Date")];
  });
  return `# Decisions

Made by \`deno task docs\` from the pages in this folder.

A choice between alternatives gets a page here: date, choice, reason, cost, and what would change it. Numbers follow the
dates and never change. A decision that is overturned keeps its page and links to the one that replaces it.

${table(["Number", "Decision", "Date"], rows)}
`;
}
