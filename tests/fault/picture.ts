/** What there is of an app on a device, and what Studio knows of it, in a form that two moments can be compared by. */

import { DatabaseSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import { portPool } from "../../lib/apps/container/host_ports.ts";
import type { DeviceApp } from "../../scripts/studio/device_apps.ts";
import { runProgram } from "../../scripts/programs.ts";
import { busyboxImage } from "../../scripts/testbed/dockerd.ts";

/** One look at the device. Lists are sorted; nothing in it depends on times or on random ids. */
export interface Picture {
  containers: string[];
  images: string[];
  volumes: string[];
  /** In the agent's folder, but for the database. */
  files: string[];
  /** Ports that programs listen at. */
  ports: number[];
  /** Of the database. */
  rows: string[];
  /** What Studio takes the device for: state, installed and newest release, ports of the device. */
  studio: string;
}

/** Looks at everything. */
export async function takePicture(
  place: { socket: string; folder: string },
  known: DeviceApp | undefined,
): Promise<Picture> {
  const [containers, images, volumes, files, ports] = await Promise.all([
    readContainers(place.socket),
    readImages(place.socket),
    readVolumes(place.socket),
    listFiles(place.folder),
    readPorts(),
  ]);
  return {
    containers,
    images,
    volumes,
    files,
    ports,
    rows: readRows(`${place.folder}/reagent.db`),
    studio: known === undefined ? "nothing" : describe(known),
  };
}

/**
 * An engine that takes a name from an image and cannot write its list of names keeps the image without one. Nothing leads from
 * the app to it any more; `prune_images` takes it away.
 */
export function withoutNameless(picture: Picture): Picture {
  return { ...picture, images: picture.images.filter((image) => !image.startsWith("sha256:")) };
}

/** What of a picture is not as it should be. */
export function differences(seen: Picture | undefined, expected: Picture): string {
  if (seen === undefined) return "nothing can be seen";
  const texts = Object.entries(expected).map(([name, value]) => {
    const found = Object.entries(seen).find(([other]) => other === name)?.[1];
    return isDeepStrictEqual(found, value)
      ? ""
      : `${name} ${JSON.stringify(found)} instead of ${JSON.stringify(value)}`;
  });
  return texts.filter((text) => text !== "").join("; ");
}

/** What Studio takes the device for although the device itself, and its engine, know better; empty when they agree. */
export function untruth({ rows, containers }: Picture, app: DeviceApp | undefined): string {
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

/** One call of the engine, past all code of the agent; gives the decoded answer. */
export async function callEngine(socket: string, method: "GET" | "DELETE", path: string): Promise<unknown> {
  using connection = await Deno.connect({ transport: "unix", path: socket });
  await connection.write(new TextEncoder().encode(`${method} ${path} HTTP/1.0\r\n\r\n`));
  const answer = await new Response(connection.readable).text();
  const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
  return body === "" ? undefined : JSON.parse(body);
}

/** The containers as the engine lists them. */
export async function listContainers(socket: string): Promise<{ Id: string; [name: string]: unknown }[]> {
  const list: { Id: string; [name: string]: unknown }[] = asList(
    await callEngine(socket, "GET", "/containers/json?all=1"),
  );
  return list;
}

/** Status of a container at this moment; the list has it as it was stored last. */
export async function readStatus(socket: string, name: string): Promise<string | undefined> {
  const seen: { State?: { Status: string } } = asRecord(await callEngine(socket, "GET", `/containers/${name}/json`));
  return seen.State?.Status;
}

/** Names of images, without that of the tests' base. */
export async function readImages(socket: string): Promise<string[]> {
  const images: { Id: string; RepoTags: string[] | null }[] = asList(await callEngine(socket, "GET", "/images/json"));
  const names = images.flatMap(({ Id, RepoTags }) => RepoTags === null || RepoTags.length === 0 ? [Id] : RepoTags);
  return names.filter((name) => name !== busyboxImage).sort();
}

/** The list tells a state as it was stored last, which a full disk may have prevented. */
async function readContainers(socket: string): Promise<string[]> {
  const containers = await listContainers(socket);
  const texts = containers.map(async ({ Id, Names, Image }) => `${Names} ${await readStatus(socket, Id)} ${Image}`);
  return (await Promise.all(texts)).sort();
}

async function readVolumes(socket: string): Promise<string[]> {
  const answer: { Volumes: { Name: string }[] | null } = asRecord(await callEngine(socket, "GET", "/volumes"));
  return (answer.Volumes ?? []).map(({ Name }) => Name).sort();
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
 * An app that is gone may stay known as gone: Studio lists removed apps, and nothing is made of them. The ports of a request are left
 * out: when they could not be stored, the container has them.
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

// deno-lint-ignore no-explicit-any -- answers of a real engine, read by tests only
function asList(value: any): any[] {
  return Array.isArray(value) ? value : [];
}

// deno-lint-ignore no-explicit-any -- answers of a real engine, read by tests only
function asRecord(value: any): any {
  return value;
}
