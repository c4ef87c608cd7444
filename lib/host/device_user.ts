/** Whom a shell on the device runs as: what the agent's own environment, often an empty one, does not say. Pure. */

/** The variables of a user's shell. */
export interface UserVariables {
  HOME: string;
  USER: string;
  LANG: string;
}

/** The agent's own variables, else those of its user in the text of `/etc/passwd`. */
export function userVariables(
  env: Readonly<Record<string, string | undefined>>,
  user: { uid: number | null; passwd: string },
): UserVariables {
  const fields = user.passwd.split("\n").map((line) => line.split(":")).find(([, , uid]) => uid === `${user.uid}`) ??
    [];
  const [name = user.uid === 0 ? "root" : "", , , , , home = user.uid === 0 ? "/root" : "/"] = fields;
  return { HOME: env.HOME || home, USER: env.USER || name, LANG: env.LANG || "C.UTF-8" };
}
