/** A data folder with notes on all that is done in it, because the app can make it such that the process ends in it. */

import type { AppId } from "../../model/app.ts";
import type { WorkJournal } from "../work/work_journal.ts";
import type { DataFolder } from "./data_folder.ts";

/** What apps do with their data folders. */
export type AppFolder = Pick<DataFolder, keyof DataFolder>;

/** `folder` of the app `id`, with each call noted. The methods also throw `left_alone`, see `WorkJournal.run()`. */
export function journaledFolder(
  folder: AppFolder,
  { id, journal }: { id: AppId; journal: Pick<WorkJournal, "run"> },
): AppFolder {
  const noted = (what: string, work: () => Promise<void>) => journal.run({ id, what }, work);
  return {
    path: folder.path,
    create: () => noted("creating its folder", () => folder.create()),
    writeEnv: (...args) => noted("writing its variables", () => folder.writeEnv(...args)),
    refreshCredential: (...args) => noted("writing its credential", () => folder.refreshCredential(...args)),
    refreshPorts: (rules) => noted("writing its ports", () => folder.refreshPorts(rules)),
    changedAt: (name) => folder.changedAt(name),
    deleteEnv: (signal) => noted("deleting its variables", () => folder.deleteEnv(signal)),
    delete: (signal) => noted("deleting its data", () => folder.delete(signal)),
  };
}
