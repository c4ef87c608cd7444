/**
 * Everything that the agent writes durably, as numbered steps. Step n always writes the same, so the content of a disk
 * shows how many steps have reached it.
 */

import { type Log, silentLog } from "../../lib/base/log.ts";
import { ConfigFile } from "../../lib/config.ts";
import { deleteApp, writeAppState } from "../../lib/store/app_rows.ts";
import { Database } from "../../lib/store/database.ts";
import { writeLogHistory } from "../../lib/store/log_rows.ts";
import { addMessage, deleteMessage, readMessages } from "../../lib/store/message_rows.ts";
import { addReport, deleteReport, readReports } from "../../lib/store/outbox_rows.ts";
import { storeAppAndRequest, writeRequest } from "../../lib/store/request_rows.ts";
import { deleteUpdate, type UpdatePhase, writeFailures, writeUpdate } from "../../lib/store/update_rows.ts";
import { sampleRequest } from "../lib/store/samples.ts";
import { switchVersion } from "./version_switches.ts";

/** What is written. */
export const durableKinds = ["database", "flock", "versions"] as const;

/** One of them. */
export type DurableKind = typeof durableKinds[number];

/** Something that is written step by step. */
export interface Durable extends Disposable {
  /** Writes one step; resolves when it is on the disk. */
  write(step: number): Promise<void>;
}

/** Turns warnings into errors, so that no failed write goes unnoticed. */
const strictLog: Log = {
  ...silentLog,
  warn: (message, fields) => {
    throw new Error(`${message} ${JSON.stringify(fields)}`);
  },
};

/** Opens the database, the .flock file or the versions of the agent in `folder`, which may be empty. */
export async function openDurable(kind: DurableKind, folder: string): Promise<Durable> {
  if (kind === "versions") {
    return { write: (step) => switchVersion(folder, { step, log: strictLog }), [Symbol.dispose]: () => {} };
  }
  if (kind === "flock") return await openFlock(`${folder}/device.flock`);
  const database = Database.open(`${folder}/reagent.db`, { log: strictLog });
  // So low that the write-ahead log is copied into the database every few steps.
  database.sql.exec("PRAGMA wal_autocheckpoint = 12");
  return {
    write: (step) => Promise.resolve(writeDatabaseStep(database, step)),
    [Symbol.dispose]: () => database[Symbol.dispose](),
  };
}

/** Writes one step of the database. */
export function writeDatabaseStep(database: Database, step: number): void {
  const write = databaseWrites[step % databaseWrites.length];
  write?.(database, step);
}

/** True for a step that a power loss may undo, until a later step is on the disk. */
export function isRelaxedStep(step: number): boolean {
  return relaxedWrites.includes(databaseWrites[step % databaseWrites.length] ?? writeDatabaseStep);
}

/** Reads the rows of all tables that the steps write. */
export function readAll(database: Database): string[] {
  return tables.flatMap((table) => {
    return database.all(`SELECT rowid, * FROM ${table} ORDER BY rowid`).map((row) => `${table} ${JSON.stringify(row)}`);
  });
}

/** The .flock file that a device is delivered with. */
export const deliveredFlock = {
  name: "device 0",
  secret: "secret-of-the-device",
  swarm_key: 1,
  device_key: 345,
  serial_number: "serial",
  device_endpoint_url: "ws://router/ws",
  docker_registry_url: "registry.ironflock.com/",
  docker_main_repository: "apps/",
};

/** What a step changes in the .flock file: names of varying length, so that the file grows and shrinks. */
export function flockChange(step: number): { name: string; swarmKey: number } {
  return { name: `device ${step}${"x".repeat((step * 397) % 5_000)}`, swarmKey: step + 1 };
}

const tables = [
  ...["AppStates", "AppStateHistory", "RequestedAppStates", "LogHistory", "ReagentUpdates", "ReagentRetries"],
  "ReagentOutbox",
  "ReagentMessages",
];

const phases: readonly UpdatePhase[] = ["switch", "probation", "failed"];

/** What need not be on the disk before the next of the others. */
const relaxedWrites: readonly ((database: Database, step: number) => void)[] = [
  (database, step) => writeLogHistory(database, appOf(step), { lines: [`line ${step}`] }),
  (database, step) => {
    database.relaxedTransaction(() =>
      writeAppState(database, { ...appOf(step), state: "FAILED" }, { now: timeOf(step) })
    );
  },
];

/** The kinds of writes, in turn. They alternate between a few apps, so that rows are added, changed and removed. */
const databaseWrites: readonly ((database: Database, step: number) => void)[] = [
  (database, step) =>
    storeAppAndRequest(database, appOf(step), { request: sampleRequest(appOf(step)), now: timeOf(step) }),
  (database, step) => void addReport(database, { state: "RUNNING", step }, { now: timeOf(step) }),
  (database, step) => writeAppState(database, { ...appOf(step), state: "STARTING" }, { now: timeOf(step) }),
  (database, step) => {
    const change = { environment: { SIZE: { value: "e".repeat((step * 997) % 9_000) } } };
    writeRequest(database, sampleRequest({ ...appOf(step), ...change }), { state: "RUNNING", now: timeOf(step) });
  },
  (database, step) => {
    const releases = { from: { version: "1", releaseKey: 1 }, to: { version: `${step}`, releaseKey: step } };
    const phase = phases[step % phases.length] ?? "failed";
    writeUpdate(database, { id: idOf(step), phase, ...releases, container: { step }, reason: "" }, {
      now: timeOf(step),
    });
  },
  (database, step) => void addReport(database, { state: "UPDATING", step }, { now: timeOf(step) }),
  (database, step) =>
    void addMessage(database, { channel: `prod_1_${step}`, chunk: "Starting" }, { now: timeOf(step) }),
  (database, step) => writeFailures(database, idOf(step), { failures: step % 3 }),
  (database) => deleteReport(database, readReports(database)[0]?.rowId ?? 0),
  (database, step) => {
    const [oldest] = readMessages(database);
    if (step % 2 === 0 && oldest !== undefined) deleteMessage(database, oldest.rowId);
  },
  ...relaxedWrites,
  (database, step) => deleteUpdate(database, idOf(step)),
  (database, step) => deleteApp(database, idOf(step * 3)),
];

function idOf(step: number): { appKey: number; stage: "PROD" } {
  return { appKey: 1 + step % 4, stage: "PROD" };
}

function appOf(step: number) {
  const id = idOf(step);
  const target = "RUNNING" as const;
  return { id, ...id, appName: `app${id.appKey}`, state: target, version: `${step}`, releaseKey: step, target };
}

function timeOf(step: number): Date {
  return new Date(Date.UTC(2031, 0, 1) + step * 1_000);
}

async function openFlock(path: string): Promise<Durable> {
  const file = await ConfigFile.open(path, { log: strictLog });
  return {
    write: async (step) => void await file.refresh(flockChange(step)),
    [Symbol.dispose]: () => {},
  };
}
