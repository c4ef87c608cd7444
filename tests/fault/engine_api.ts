/** Calls of the engine's API that use no code of the agent. */

import { busyboxImage } from "../../scripts/testbed/dockerd.ts";

/** Calls the engine and returns the decoded answer. */
export async function callEngine(
  socket: string,
  { method, path }: { method: "GET" | "DELETE"; path: string },
): Promise<unknown> {
  using connection = await Deno.connect({ transport: "unix", path: socket });
  await connection.write(new TextEncoder().encode(`${method} ${path} HTTP/1.0\r\n\r\n`));
  const answer = await new Response(connection.readable).text();
  const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
  return body === "" ? undefined : JSON.parse(body);
}

/** Lists the containers. */
export async function listContainers(socket: string): Promise<{ Id: string; [name: string]: unknown }[]> {
  const list: { Id: string; [name: string]: unknown }[] = asList(
    await callEngine(socket, { method: "GET", path: "/containers/json?all=1" }),
  );
  return list;
}

/** The current status of a container; the list has the status that was stored last. */
export async function readStatus(socket: string, name: string): Promise<string | undefined> {
  const seen: { State?: { Status: string } } = asRecord(
    await callEngine(socket, { method: "GET", path: `/containers/${name}/json` }),
  );
  return seen.State?.Status;
}

/** The names of all images except the base image of the tests, sorted. */
export async function readImages(socket: string): Promise<string[]> {
  const images: { Id: string; RepoTags: string[] | null }[] = asList(
    await callEngine(socket, { method: "GET", path: "/images/json" }),
  );
  const names = images.flatMap(({ Id, RepoTags }) => RepoTags === null || RepoTags.length === 0 ? [Id] : RepoTags);
  return names.filter((name) => name !== busyboxImage).sort();
}

/** The containers as `<names> <status> <image>`, sorted. A full disk may keep the list from being current. */
export async function readContainers(socket: string): Promise<string[]> {
  const containers = await listContainers(socket);
  const texts = containers.map(async ({ Id, Names, Image }) => `${Names} ${await readStatus(socket, Id)} ${Image}`);
  return (await Promise.all(texts)).sort();
}

/** The names of the volumes, sorted. */
export async function readVolumes(socket: string): Promise<string[]> {
  const answer: { Volumes: { Name: string }[] | null } = asRecord(
    await callEngine(socket, { method: "GET", path: "/volumes" }),
  );
  return (answer.Volumes ?? []).map(({ Name }) => Name).sort();
}

/** The ids and names of the networks that are not the engine's own, sorted by name. */
export async function listNetworks(socket: string): Promise<{ Id: string; Name: string }[]> {
  const networks: { Id: string; Name: string }[] = asList(
    await callEngine(socket, { method: "GET", path: "/networks" }),
  );
  const own = networks.filter(({ Name }) => !["bridge", "host", "none"].includes(Name));
  return own.sort((a, b) => a.Name < b.Name ? -1 : 1);
}

/** The names of those networks. */
export async function readNetworks(socket: string): Promise<string[]> {
  return (await listNetworks(socket)).map(({ Name }) => Name);
}

// deno-lint-ignore no-explicit-any -- answers of a real engine, read by tests only
function asList(value: any): any[] {
  return Array.isArray(value) ? value : [];
}

// deno-lint-ignore no-explicit-any -- answers of a real engine, read by tests only
function asRecord(value: any): any {
  return value;
}
