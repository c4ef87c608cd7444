/** Writes a registry login for the docker command, apart from the user's settings. */

/** A login at a registry. */
export interface DockerLogin {
  /** `127.0.0.1:5002`. */
  host: string;
  user: string;
  password: string;
}

/** Writes the login to a folder for `docker --config`. Only the owner can read it. */
export async function writeDockerLogin(folder: string, { host, user, password }: DockerLogin): Promise<void> {
  const auths = { [host]: { auth: btoa(`${user}:${password}`) } };
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ auths }), { mode: 0o600 });
}
