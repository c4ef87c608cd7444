/** The error of a request that the router or a peer answered with an error. */

import { excessOf } from "../base/bounds.ts";
import { AgentError } from "../base/errors.ts";
import { type Dict, show } from "../base/json.ts";

const textLimitChars = 2_000;

/** Values of an answer that are shown. */
const valueLimit = 20;

/** Thrown for a request that was answered with an error. `code` is `call_failed`; `uri` is the error's URI. */
export class RemoteError extends AgentError {
  readonly uri: string;
  readonly args: unknown[];
  readonly kwargs: Dict;

  constructor(attempt: string, answer: { uri: string; args: unknown[]; kwargs: Dict }) {
    super("call_failed", `${attempt}: ${describeReply(answer)}`);
    this.name = "RemoteError";
    this.uri = answer.uri;
    this.args = answer.args;
    this.kwargs = answer.kwargs;
  }
}

/** True when `error` is the answer of a peer or router with this error URI. */
export function hasUri(error: unknown, ...uris: string[]): error is RemoteError {
  return error instanceof RemoteError && uris.includes(error.uri);
}

/** `<error uri>[: <args>][: <k=v ...>]`, at most 2000 characters. */
function describeReply(answer: { uri: string; args: unknown[]; kwargs: Dict }): string {
  const parts = [answer.uri.slice(0, textLimitChars)];
  if (answer.args.length > 0) parts.push(answer.args.slice(0, valueLimit).map(plain).join(" "));
  const pairs = Object.entries(answer.kwargs).slice(0, valueLimit).map(([name, value]) => {
    return `${name.slice(0, textLimitChars)}=${plain(value)}`;
  });
  if (pairs.length > 0) parts.push(pairs.join(" "));
  return parts.join(": ").slice(0, textLimitChars);
}

/** A peer may answer with anything, so its size is looked at first. */
function plain(value: unknown): string {
  if (typeof value === "string") return value.slice(0, textLimitChars);
  if (excessOf(value, { chars: textLimitChars, depth: 16 }) !== undefined) return show(value);
  return JSON.stringify(value) ?? String(value);
}
