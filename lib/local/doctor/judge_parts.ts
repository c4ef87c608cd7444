/** Judges the agent, its settings, and the parts that it works with. Pure. */

import type { DoctorFacts } from "./doctor_facts.ts";
import { broken, doubtful, type Finding, fine, unchecked } from "./finding.ts";

/** Of engine 20.10, the oldest that can do what apps need. */
const oldestApi = [1, 41] as const;

/** The agent. */
export function judgeAgent({ agent }: DoctorFacts): Finding {
  if (agent.kind === "away") {
    if (!agent.isLocked) {
      return broken("It does not run", 'Start it: "systemctl start reagent"; "reagent logs" says why it ended.');
    }
    return broken("It runs and does not answer", 'Restart it: "systemctl restart reagent".');
  }
  const { version, problems, isEmergency } = agent.facts;
  if (isEmergency) return broken("It has stopped the apps, because the disk is too full", 'See "disk".');
  const errors = problems.filter(({ level }) => level !== "warn").length;
  if (errors === 0) return fine(`Version ${version} answers`);
  return doubtful(
    `Version ${version} answers, and has logged ${errors} errors lately`,
    'Read them: "reagent status" shows the last ones, "reagent logs" all.',
  );
}

/** The `.flock` file. */
export function judgeConfig({ config }: DoctorFacts): Finding {
  const download = "Download the .flock file of the device from Studio and put it in this place.";
  switch (config.kind) {
    case "failed":
      return unchecked(config.error);
    case "unnamed":
      return doubtful("It is not known where the .flock file is", 'Name it: "reagent doctor -config FILE".');
    case "missing":
      return broken(`There is no readable file "${config.path}"`, download);
    case "broken":
      return broken(`"${config.path}": ${config.reason}`, download);
    case "read": {
      const problems = [...config.wrongTypes, ...config.missing.map((name) => `${name} is missing`)];
      return problems.length === 0 ? fine(config.path) : broken(`"${config.path}": ${problems.join("; ")}`, download);
    }
  }
}

/** The engine. */
export function judgeEngine({ engine }: DoctorFacts): Finding {
  switch (engine.kind) {
    case "failed":
      return unchecked(engine.error);
    case "away":
      return broken(
        engine.error,
        'Start it ("systemctl start docker"), or correct DOCKER_HOST in the unit of the agent.',
      );
    case "answers": {
      const [major = 0, minor = 0] = engine.apiVersion.split(".").map(Number);
      const isOld = major < oldestApi[0] || (major === oldestApi[0] && minor < oldestApi[1]);
      const text = `Version ${engine.version} answers`;
      return isOld ? broken(`${text}, which is too old`, "Install Docker 20.10 or newer.") : fine(text);
    }
  }
}

/** Compose. */
export function judgeCompose({ compose }: DoctorFacts): Finding {
  switch (compose.kind) {
    case "failed":
      return unchecked(compose.error);
    case "there":
      return fine(`Version ${compose.version}`);
    case "missing":
      return doubtful(
        compose.error,
        "Install the compose plugin (docker-compose-plugin): apps of several containers need it.",
      );
  }
}

/** The registry. */
export function judgeRegistry({ registry }: DoctorFacts): Finding {
  switch (registry.kind) {
    case "failed":
      return unchecked(registry.error);
    case "accepts":
      return fine(`${registry.host} accepts the login of the device`);
    case "reachable":
      return fine(`${registry.host} answers; the login was not tried: ${registry.why}`);
    case "denied":
      return broken(
        `${registry.host}: ${registry.error}`,
        "Download a new .flock file; if that does not help, check the rights of the app's owner in Studio.",
      );
    case "unreachable":
      return broken(
        `${registry.host}: ${registry.error}`,
        'Check "docker_registry_url" in the .flock file, the network, and the proxy of the engine.',
      );
  }
}
