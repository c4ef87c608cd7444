/**
 * Keeps secrets out of the log: values that are known, names of fields that promise one, and texts that show one by
 * their look. Nothing here writes or throws.
 */

import { secretWords } from "../base/secret_name.ts";

/** What stands in place of a secret. */
export const mask = "***";

/** Shorter texts are no secrets: they would turn up in every second line by chance. */
export const shortestSecret = 4;

/**
 * How many secrets that are not kept for good are known at a time; registry tokens come anew for the life of the agent.
 */
export const passingSecretLimit = 256;

/** Owners whose secrets are hidden for as long as they have them: more than a device has apps. */
const ownerLimit = 256;

/** More than any token that is recognised by its look alone, so that a cut cannot leave a readable half of one. */
const cutMargin = 512;

// `"password": "…"` in a text, also where the text is quoted once more and its quotes carry backslashes. A path or an
// address in quotes is no name of a member.
const quotedMember = new RegExp(
  `(?<=["'][\\w-]{0,60})((?:${secretWords})[\\w-]{0,40}(\\\\*)(["'])\\s*:\\s*)(?:\\2\\3[\\s\\S]*?(?:(?<!\\\\)\\2\\3|$)|[^\\s"'\\\\,}\\]]+)`,
  "gi",
);
const assignment = new RegExp(
  `((?:${secretWords})[\\w.-]{0,40}=)(?:"(?:[^"\\\\]|\\\\.)*(?:"|$)|'[^']*(?:'|$)|[^\\s"'&]+)`,
  "gi",
);
const urlLogin = /(:\/\/[^\s/?#:@"']*:)[^\s/?#"']*(?=@)/g;
const authHeader = /(authorization\s*[:=]\s*(?:basic|bearer|digest|negotiate)\s+)[^\s"'\\]+/gi;
const bearer = /(\bbearer\s+)(?=[^\s"']{0,200}[0-9.])[\w.~+/=-]{8,}/gi;
const privateKey = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g;

/**
 * `text` without what looks like a secret: logins in URLs, `password=…`, `"token": "…"`, bearer tokens, private keys.
 */
export function hideByLook(text: string): string {
  let hidden = text;
  if (hidden.includes("PRIVATE KEY-----")) hidden = hidden.replace(privateKey, mask);
  if (hidden.includes("://")) hidden = hidden.replace(urlLogin, `$1${mask}`);
  if (hidden.includes("=")) hidden = hidden.replace(assignment, `$1${mask}`);
  if (/["']/.test(hidden)) {
    hidden = hidden.replace(
      quotedMember,
      (_all, before: string, escape: string, quote: string) => `${before}${escape}${quote}${mask}${escape}${quote}`,
    );
  }
  if (/authorization/i.test(hidden)) hidden = hidden.replace(authHeader, `$1${mask}`);
  return /bearer\s/i.test(hidden) ? hidden.replace(bearer, `$1${mask}`) : hidden;
}

/**
 * The secrets that are known by their value. Invariants: `#starts` finds every place where one of `#byStart` may begin;
 * `#longest` is at least the length of each.
 */
export class Secrets {
  /** Each secret with the forms in which it may turn up; the bool says that it is kept for good. Oldest first. */
  readonly #known = new Map<string, { forms: string[]; isKept: boolean }>();
  /** The secrets that belong to somebody, by owner, oldest first. */
  readonly #owned = new Map<string, ReadonlySet<string>>();
  #byStart = new Map<string, string[]>();
  #starts: RegExp | undefined;
  #longest = 0;

  /**
   * Hides `text` from this moment on. Only the newest 256 of those that are not `isKept` are hidden; adding one again
   * makes it the newest. Texts below 4 characters are ignored.
   */
  add(text: string, options: { isKept?: boolean } = {}): void {
    if (text.length < shortestSecret) return;
    const before = this.#known.get(text);
    this.#known.delete(text);
    this.#known.set(text, {
      forms: before?.forms ?? formsOf(text),
      isKept: options.isKept === true || before?.isKept === true,
    });
    if (before !== undefined) return;
    this.#forgetOldest();
    this.#index();
  }

  /**
   * Hides the secrets of an owner until it has others; those that it has no longer count among the newest 256. Only the
   * newest 256 owners count.
   */
  replaceOwned(owner: string, texts: readonly string[]): void {
    const former = this.#owned.get(owner) ?? [];
    this.#owned.delete(owner);
    if (texts.length > 0) this.#owned.set(owner, new Set(texts));
    for (const [oldest] of [...this.#owned].slice(0, Math.max(0, this.#owned.size - ownerLimit))) {
      this.#owned.delete(oldest);
    }
    for (const text of [...former, ...texts]) this.add(text);
  }

  /** `text` with `***` in place of every known secret and of everything that looks like one. */
  hide(text: string): string {
    return hideByLook(this.#hideKnown(text));
  }

  /**
   * Like `hide`, at most about `limit` characters. A cut never leaves a part of a known secret, and says how long the
   * text was.
   */
  hideAndCut(text: string, limit: number): string {
    if (text.length <= limit) return this.hide(text);
    const margin = Math.max(cutMargin, this.#longest);
    const hidden = this.hide(text.slice(0, limit + margin));
    // The end of a text that is not seen whole may be the first half of a secret.
    const isWhole = text.length <= limit + margin;
    const kept = isWhole ? limit : Math.max(0, Math.min(limit, hidden.length - margin));
    return `${hidden.slice(0, kept)}… (${text.length} characters)`;
  }

  #hideKnown(text: string): string {
    const starts = this.#starts;
    if (starts === undefined) return text;
    let shown = "";
    let done = 0;
    let hiddenTo = 0;
    starts.lastIndex = 0;
    for (let match = starts.exec(text); match !== null; match = starts.exec(text)) {
      const { index } = match;
      const length = this.#lengthAt(text, index);
      // Secrets may overlap, so the search goes on one character further, not behind the match.
      starts.lastIndex = index + 1;
      if (length === 0) continue;
      if (index >= hiddenTo) {
        shown += text.slice(done, index) + mask;
      }
      hiddenTo = Math.max(hiddenTo, index + length);
      done = hiddenTo;
    }
    return done === 0 ? text : shown + text.slice(done);
  }

  #lengthAt(text: string, index: number): number {
    const candidates = this.#byStart.get(text.slice(index, index + shortestSecret)) ?? [];
    return candidates.find((secret) => text.startsWith(secret, index))?.length ?? 0;
  }

  #forgetOldest(): void {
    const owned = new Set([...this.#owned.values()].flatMap((texts) => [...texts]));
    const passing = [...this.#known].filter(([text, { isKept }]) => !isKept && !owned.has(text));
    for (const [text] of passing.slice(0, Math.max(0, passing.length - passingSecretLimit))) this.#known.delete(text);
  }

  #index(): void {
    const forms = [...this.#known.values()].flatMap((secret) => secret.forms).sort((a, b) => b.length - a.length);
    this.#longest = forms[0]?.length ?? 0;
    this.#byStart = Map.groupBy(forms, (form) => form.slice(0, shortestSecret));
    this.#starts = new RegExp([...this.#byStart.keys()].map((start) => RegExp.escape(start)).join("|"), "g");
  }
}

/** A secret is also known by the forms it takes inside quoted text and in a URL. */
function formsOf(text: string): string[] {
  const quoted = JSON.stringify(text).slice(1, -1);
  return [...new Set([text, quoted, JSON.stringify(quoted).slice(1, -1), encodeURIComponent(text.toWellFormed())])];
}
