/** Fetches the small files that stand next to downloads. */

import { within } from "../async/deadline.ts";
import { AgentError } from "../base/errors.ts";
import { type GuardedAnswer, guardedFetch, readLimitedText } from "../http/guarded_fetch.ts";

/** The whole of such a file must be there within this time. */
export const textLimitMs = 10_000;

/** An index, a checksum or a signature has a few lines; anything larger is something else. */
export const textLimitBytes = 65_536;

/** The text at `url`. Throws `connect_failed` (no answer, or no success), `protocol_error` (too long), `timeout`. */
export async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  const text = await fetchOptionalText(url, signal);
  if (text === undefined) throw badStatus(url, 404);
  return text;
}

/** Like `fetchText()`, and undefined when the server says that there is no such file. */
export async function fetchOptionalText(url: string, signal: AbortSignal): Promise<string | undefined> {
  return await within(textLimitMs, (limit) => fetchSmallFile(url, limit), { what: `Fetching ${url}`, signal });
}

async function fetchSmallFile(url: string, signal: AbortSignal): Promise<string | undefined> {
  let answer: GuardedAnswer;
  try {
    answer = await guardedFetch(new URL(url), { signal, headers: { accept: "application/json, text/plain, */*" } });
  } catch (error) {
    throw new AgentError("connect_failed", `Cannot fetch ${url}`, { cause: error });
  }
  const { status, body } = answer.response;
  if (status === 200) return await readLimitedText(answer.response, { url: answer.url, limitBytes: textLimitBytes });
  await body?.cancel();
  if (status === 404) return undefined;
  throw badStatus(url, status);
}

function badStatus(url: string, status: number): AgentError {
  return new AgentError("connect_failed", `Cannot fetch ${url}: the answer has status ${status}`);
}
