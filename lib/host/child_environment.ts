/** Decides which variables of the agent its children see. Pure. */

/**
 * What programs need to find each other, their user's folders, the language and the engine. Without
 * `DOCKER_API_VERSION`: the command line finds a version that the engine takes, and one that it does not take ends it.
 */
const passedOn: ReadonlySet<string> = new Set([
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TERM"],
  ...["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS", "LD_LIBRARY_PATH"],
  ...["DOCKER_HOST", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "DOCKER_CONFIG", "DOCKER_CONTEXT"],
  ...["SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "PROGRAMDATA", "PROGRAMFILES"],
  ...["APPDATA", "LOCALAPPDATA", "SYSTEMDRIVE", "HOMEDRIVE", "HOMEPATH", "NUMBER_OF_PROCESSORS"],
]);

/**
 * The variables for a program that the agent runs. Whatever else is set for the agent, such as a proxy with its
 * password, stays with it: anybody on the machine may be able to read the variables of a child.
 */
export function childEnvironment(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => passedOn.has(name.toUpperCase()) || name.startsWith("LC_")),
  );
}
