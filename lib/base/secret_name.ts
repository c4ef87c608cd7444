/** Recognizes names of values that must not be shown. Pure. */

/** Parts of such names, as the source of a regular expression. */
export const secretWords =
  "pass(?:word|wd|phrase)|secret|token|authorization|signature|cookie|private[-_. ]?key|api[-_. ]?key|" +
  "cert(?:ificate)?[-_. ]?key|cred(?:ential)?[-_. ]?key|registry[-_]?(?:auth|config)";

const secretName = new RegExp(`${secretWords}|^auth$|(?:^|[^a-z])psk(?:$|[^a-z])`, "i");

/** True for the name of a value that must not be shown, in any case: `app_secret`, `registryToken`, `Authorization`. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}
