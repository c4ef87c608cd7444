/** A snapshot of everything that a device has of an app, and of what Studio knows of it. Snapshots can be compared. */

import { DatabaseSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import { portPool } from "../../lib/apps/container/host_ports.ts";
import type { DeviceApp } from "../../scripts/studio/device_apps.ts";
import { runProgram } from "../../scripts/programs.ts";
import { readContainers, readImages, readNetworks, readVolumes } from "./engine_api.ts";

/** One snapshot. Lists are sorted; nothing depends on times or random ids. */
export interface DeviceSnapshot {
  containers: string[];
  images: string[];
  volumes: string[];
  /** Of compose projects. */
  networks: string[];
  /** In the agent's folder, except the database. */
  files: string[];
  /** Ports of the agent's pool that programs listen on. */
  ports: number[];
  /** Rows of the database. */
  rows: string[];
  /** What Studio knows: state, installed and newest release, ports. */
  studio: string;
}

/** Takes a snapshot of the device; `app` is what Studio knows. */
export async function takeSnapshot(
  { socket, folder }: { socket: string; folder: string },
  app: DeviceApp | undefined,
): Promise<DeviceSnapshot> {
  const [containers, images, volumes, networks, files, ports] = await Promise.all([
    readContainers(socket),
    readImages(socket),
    readVolumes(socket),
    readNetworks(socket),
    listFiles(folder),
    readPorts(),
  ]);
  return {
    containers,
    images,
    volumes,
    networks,
    files,
    ports,
    rows: readRows(`${folder}/reagent.db`),
    studio: app === undefined ? "nothing" : describe(app),
  };
}

/**
 * Leaves untagged images out. An engine that untags an image and cannot write its list of tags keeps the image; nothing
 * leads from the app to it any more, and `prune_images` removes it.
 */
export function withoutUntaggedImages(snapshot: DeviceSnapshot): DeviceSnapshot {
  return { ...snapshot, images: snapshot.images.filter((image) => !image.startsWith("sha256:")) };
}

/** Describes how a snapshot differs from the expected one. */
export function describeDifferences(observed: DeviceSnapshot | undefined, expected: DeviceSnapshot): string {
  if (observed === undefined) return "the device cannot be read";
  const texts = Object.entries(expected).map(([name, value]) => {
    const found = Object.entries(observed).find(([other]) => other === name)?.[1];
    return isDeepStrictEqual(found, value)
      ? ""
      : `${name} ${JSON.stringify(found)} instead of ${JSON.stringify(value)}`;
  });
  return texts.filter((text) => text !== "").join("; ");
}

/** Describes where Studio contradicts the device or its engine; empty when they agree. */
export function describeContradiction({ rows, containers }: DeviceSnapshot, app: DeviceApp | undefined): string {
  if (app?.stage === "DEV") return describeDevContradiction({ rows, containers }, app);
  const isGone = app === undefined || ["REMOVED", "UNINSTALLED"].includes(app.current);
  const known = isGone
    ? []
    : [`AppStates: ${app.appKey} ${app.stage} ${app.current} ${app.presentVersion} ${app.releaseKey}`];
  const stored = rows.filter((row) => row.startsWith("AppStates:"));
  if (!isDeepStrictEqual(known, stored)) return `Studio knows ${known}, the device has ${stored}`;
  const isRunning = containers.some((text) => text.includes(" running ") && text.endsWith(`:${app?.presentVersion}`));
  const isRight = isRunning === (app?.current === "RUNNING");
  return isRight ? "" : `Studio knows ${known}, the engine has ${containers}`;
}

/** DEV apps have no version that Studio knows. */
function describeDevContradiction(
  { rows, containers }: Pick<DeviceSnapshot, "rows" | "containers">,
  app: DeviceApp,
): string {
  const known = `AppStates: ${app.appKey} DEV ${app.current} `;
  const stored = rows.filter((row) => row.startsWith("AppStates:"));
  const isGone = ["REMOVED", "UNINSTALLED"].includes(app.current);
  const isStored = isGone ? stored.length === 0 : stored.length === 1 && stored[0]?.startsWith(known);
  if (!isStored) return `Studio knows ${app.current}, the device has ${stored}`;
  const isRunning = containers.some((text) => text.includes(" running "));
  return isRunning === (app.current === "RUNNING") ? "" : `Studio knows ${known}, the engine has ${containers}`;
}

async function listFiles(folder: string): Promise<string[]> {
  const { stdout } = await runProgram("find", [folder, "-mindepth", "1", "-printf", "%P %y\\n"]);
  return stdout.split("\n").filter((line) => line !== "" && !line.startsWith("reagent.db")).sort();
}

async function readPorts(): Promise<number[]> {
  const { stdout } = await runProgram("ss", ["-Hltn"]);
  const ports = stdout.split("\n").map((line) => Number(/:(\d+)\s/.exec(line)?.[1]));
  return [...new Set(ports.filter((port) => port >= portPool.first && port <= portPool.last))].sort();
}

function describe(app: DeviceApp): string {
  const { current, presentVersion, releaseKey, newestVersion, newReleaseKey, ports } = app;
  const versions = `version ${presentVersion} (${releaseKey}) of ${newestVersion} (${newReleaseKey})`;
  return `${current}, ${versions}, ports ${ports.map((rule) => rule.host_port).join(" ")}`;
}

/**
 * Rows of removed apps are left out: Studio lists removed apps, so their rows may stay. The ports of a request are left
 * out as well: when they could not be stored, the container has them.
 */
function readRows(path: string): string[] {
  using database = new DatabaseSync(path, { readOnly: true });
  const read = (table: string, columns: string, where = "1") => {
    const found = database.prepare(`SELECT ${columns} FROM ${table} WHERE ${where}`).all();
    return found.map((row) => `${table}: ${Object.values(row).join(" ")}`);
  };
  return [
    ...read("AppStates", "app_key, stage, state, version, release_key", "state NOT IN ('REMOVED', 'UNINSTALLED')"),
    ...read(
      "RequestedAppStates",
      "app_key, manually_requested_state, present_version, newest_version",
      "manually_requested_state NOT IN ('REMOVED', 'UNINSTALLED')",
    ),
    ...read("ReagentUpdates", "app_key, phase, from_version, to_version"),
    ...read("ReagentOutbox", "report"),
  ];
}
