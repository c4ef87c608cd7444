/** Hides texts that look like secrets. Pure. */

import { privateWords, secretWords } from "../base/secret_name.ts";

/** Replaces a secret. */
export const mask = "***";

// What the longer patterns begin with. They look back at each character of a text, which takes ten times as long as
// finding out that most lines have none of these words.
const secretWord = new RegExp(secretWords, "i");
const privateWord = new RegExp(privateWords, "i");

// `"password": "…"`, also in text that is quoted again, where backslashes precede the quotes. A quoted path or address
// is not the name of a member.
const quotedMember = new RegExp(
  `(?<=["'][\\w-]{0,60})((?:${secretWords})[\\w-]{0,40}(\\\\*)(["'])\\s*:\\s*)(?:\\2\\3[\\s\\S]*?(?:(?<!\\\\)\\2\\3|$)|[^\\s"'\\\\,}\\]]+)`,
  "gi",
);
const assignment = new RegExp(
  `((?:${secretWords})[\\w.-]{0,40}=)(?:"(?:[^"\\\\]|\\\\.)*(?:"|$)|'[^']*(?:'|$)|[^\\s"'&]+)`,
  "gi",
);
// Where such a member ends cannot be found out in a text that may be truncated, so the rest of the text goes with it.
const privateMember = new RegExp(
  `(?<=["'])(?:${privateWords})\\\\*["']\\s*:(?!\\s*(?:null\\b|\\\\*["']\\*\\*\\*))|` +
    `(?<=(?:\\n|\\\\n)[ \\t-]{0,80})(?:${privateWords}):|^\\s{0,80}(?:${privateWords}):(?=\\s*(?:\\n|\\\\n))`,
  "i",
);
const urlLogin = /(:\/\/[^\s/?#:@"']*:)[^\s/?#"']*(?=@)/g;
const authHeader = /(authorization\s*[:=]\s*(?:basic|bearer|digest|negotiate)\s+)[^\s"'\\]+/gi;
const bearer = /(\bbearer\s+)(?=[^\s"']{0,200}[0-9.])[\w.~+/=-]{8,}/gi;
const privateKey = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g;

/**
 * `text` without what looks like a secret: logins in URLs, `password=…`, `STRIPE_KEY=…`, `"token": "…"`, bearer tokens,
 * private keys; and up to a member that holds variables or a compose file.
 */
export function hideByLook(text: string): string {
  let hidden = text.includes(":") && /["'\n\\]/.test(text) ? hideFromPrivate(text) : text;
  if (hidden.includes("PRIVATE KEY-----")) hidden = hidden.replace(privateKey, mask);
  if (hidden.includes("://")) hidden = hidden.replace(urlLogin, `$1${mask}`);
  if (secretWord.test(hidden)) hidden = hideNamed(hidden);
  if (/authorization/i.test(hidden)) hidden = hidden.replace(authHeader, `$1${mask}`);
  return /bearer\s/i.test(hidden) ? hidden.replace(bearer, `$1${mask}`) : hidden;
}

function hideNamed(text: string): string {
  const hidden = text.includes("=") ? text.replace(assignment, `$1${mask}`) : text;
  if (!/["']/.test(hidden)) return hidden;
  return hidden.replace(
    quotedMember,
    (_all, before: string, escape: string, quote: string) => `${before}${escape}${quote}${mask}${escape}${quote}`,
  );
}

function hideFromPrivate(text: string): string {
  if (!privateWord.test(text)) return text;
  const match = privateMember.exec(text);
  return match === null ? text : `${text.slice(0, match.index + match[0].length)}${mask}`;
}
