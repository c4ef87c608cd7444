/**
 * `app push`: gives an image to the Studio's registry under the name by which devices of this machine's kind look for
 * it.
 */

import { AgentError } from "../../../lib/base/errors.ts";
import { mustRun, runProgram } from "../../programs.ts";
import { type DockerLogin, writeDockerLogin } from "../docker_login.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import { type Command, connect, type Context, memberText } from "./command.ts";

/** The command. */
export const push: Command = {
  name: "app push",
  usage: "<app> <version> (--image IMAGE | --context FOLDER)",
  summary: "Push a local image, or build one, as a release of an app",
  options: { image: "one", context: "one" },
  least: 2,
  most: 2,
  run: pushApp,
};

async function pushApp(context: Context, args: Arguments): Promise<number> {
  const [app, version] = [args.word(0), args.word(1)];
  const [image, folder] = [args.text("image"), args.text("context")];
  if ((image === undefined) === (folder === undefined)) throw new UsageError("Give either --image or --context");
  await using server = await connect(context);
  const target = await server.callForDict("prepare_push", { app });
  const host = memberText(target, "host");
  const reference = `${host}/${memberText(target, "repository")}:${version}`;
  if (!(await runProgram("docker", ["--version"])).success) {
    throw new AgentError("not_available", "app push needs the docker command");
  }
  if (folder !== undefined) await mustRun("docker", ["build", "--quiet", "--tag", reference, folder]);
  if (image !== undefined) await mustRun("docker", ["tag", image, reference]);
  await pushImage(reference, { host, user: memberText(target, "user"), password: memberText(target, "password") });
  const release = await server.callForDict("add_release", { app, version });
  context.print(`${reference} is release ${memberText(release, "releaseKey")}`);
  return 0;
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
