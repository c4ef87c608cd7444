/**
 * `app push`: gives an image, or those that a compose file builds, to the Studio's registry under the names by which
 * devices of this machine's kind look for them.
 */

import { dirname } from "node:path";
import { AgentError } from "../../../lib/base/errors.ts";
import { servicesOf } from "../../../lib/apps/compose/definition.ts";
import { mustRun, runProgram } from "../../programs.ts";
import { type DockerLogin, writeDockerLogin } from "../docker_login.ts";
import { readComposeFile } from "../compose_file.ts";
import { nameBuiltImages, withoutBuilds } from "../release_definition.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import { type Command, connect, type Context, memberText, type Server } from "./command.ts";

/** The command. */
export const push: Command = {
  name: "app push",
  usage: "<app> <version> (--image IMAGE | --context FOLDER | --compose FILE)",
  summary: "Push a local image, or build one, or a compose file and what it builds, as a release of an app",
  options: { image: "one", context: "one", compose: "one" },
  least: 2,
  most: 2,
  run: pushApp,
};

async function pushApp(context: Context, args: Arguments): Promise<number> {
  const [app, version] = [args.word(0), args.word(1)];
  const [image, folder, compose] = [args.text("image"), args.text("context"), args.text("compose")];
  if ([image, folder, compose].filter((given) => given !== undefined).length !== 1) {
    throw new UsageError("Give one of --image, --context and --compose");
  }
  await using server = await connect(context);
  if (compose !== undefined) return await pushProject(context, server, { app, version, file: compose });
  const { reference, login } = await prepare(server, { app, version });
  if (folder !== undefined) await mustRun("docker", ["build", "--quiet", "--tag", reference, folder]);
  if (image !== undefined) await mustRun("docker", ["tag", image, reference]);
  await pushImage(reference, login);
  const release = await server.callForDict("add_release", { app, version });
  context.print(`${reference} is release ${memberText(release, "releaseKey")}`);
  return 0;
}

/** Builds and pushes what a compose file builds; its other images stay where they are. */
async function pushProject(
  context: Context,
  server: Server,
  { app, version, file }: { app: string; version: string; file: string },
): Promise<number> {
  const source = await readComposeFile(file);
  let definition = source;
  if (servicesOf(source).some(({ isBuilt }) => isBuilt)) {
    const { host, repository, login } = await prepare(server, { app, version });
    const named = nameBuiltImages(source, { host, repository, version });
    const stdin = new TextEncoder().encode(JSON.stringify(named.definition));
    await mustRun("docker", ["compose", "--project-directory", dirname(file), "-f", "-", "build", "--quiet"], {
      stdin,
    });
    for (const image of named.images) await pushImage(image, login);
    for (const image of named.images) context.print(`${image} is pushed`);
    definition = withoutBuilds(named.definition);
  }
  const release = await server.callForDict("add_release", { app, version, dockerCompose: definition });
  context.print(`${app} ${version} is release ${memberText(release, "releaseKey")}`);
  return 0;
}

/** Where an image of the app belongs. Throws `not_available` without a registry or the docker command. */
async function prepare(server: Server, { app, version }: { app: string; version: string }) {
  const target = await server.callForDict("prepare_push", { app });
  if (!(await runProgram("docker", ["--version"])).success) {
    throw new AgentError("not_available", "app push needs the docker command");
  }
  const [host, repository] = [memberText(target, "host"), memberText(target, "repository")];
  const login = { host, user: memberText(target, "user"), password: memberText(target, "password") };
  return { host, repository, login, reference: `${host}/${repository}:${version}` };
}

/** Pushes with a login of its own, so that the user's Docker settings stay as they are. */
async function pushImage(reference: string, login: DockerLogin): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "s-" });
  try {
    await writeDockerLogin(folder, login);
    // Other settings would also lose the user's choice of the engine.
    const engine = await runProgram("docker", ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]);
    const where = engine.success ? ["--host", engine.stdout.trim()] : [];
    await mustRun("docker", [...where, "--config", folder, "push", "--quiet", reference]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
