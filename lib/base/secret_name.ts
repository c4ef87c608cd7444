/** Recognizes names of values that must not be shown. Pure. */

/** Keys of Studio's records, which are numbers: `app_key`, `device_to_app_key`. */
const recordWords = "app|device|swarm|release|account|instance|entity|public|primary|foreign|cache|registration";

/** Parts of such names, as the source of a regular expression. */
export const secretWords =
  "pass(?:word|wd|phrase)|secret|token|authorization|signature|cookie|private[-_. ]?key|api[-_. ]?key|" +
  "cert(?:ificate)?[-_. ]?key|cred(?:ential)?[-_. ]?key|registry[-_]?(?:auth|config)|" +
  `(?<!${recordWords})[-_]key(?![a-z])`;

/**
 * Members of requests, of compose files and of the engine's answers whose values may be anything that users keep
 * secret. In lower case, without underscores.
 */
const privateMembers: ReadonlySet<string> = new Set([
  ...["environment", "environmenttemplate", "env", "dockercompose", "newdockercompose", "dockercredentials"],
  ...["command", "cmd", "entrypoint", "labels"],
]);

/** The names of these members in texts, as the source of a regular expression. */
export const privateWords =
  "environment(?:_?template)?|env|(?:new_?)?docker_?compose|docker_?credentials|command|cmd|entrypoint";

const secretName = new RegExp(`${secretWords}|^auth$|(?:^|[^a-z])psk(?:$|[^a-z])`, "i");
const camelKey = /[a-z0-9]Key(?![a-z])/;
const recordKey = new RegExp(`(?:${recordWords})Key(?![a-z])`, "i");

/** True for the name of a value that must not be shown, in any case: `app_secret`, `registryToken`, `Authorization`. */
export function isSecretName(name: string): boolean {
  return secretName.test(name) || (camelKey.test(name) && !recordKey.test(name));
}

/** True for a member in which no value may be shown, whatever it is called: `environment`, `docker_compose`, `Cmd`. */
export function isPrivateMember(name: string): boolean {
  return name.length <= 32 && privateMembers.has(name.toLowerCase().replaceAll("_", ""));
}
