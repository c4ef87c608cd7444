/** The people of the local Studio: accounts, and what each may do with a device. */

import { AgentError } from "../../lib/base/errors.ts";
import type { Privilege } from "../../lib/backend/requests.ts";
import { numberColumn, randomText, type Store, type StoredRow, textColumn } from "./store.ts";

/** Somebody who may own devices and call them. The account's key is its authid. */
export interface Account {
  accountKey: number;
  name: string;
  secret: string;
}

/** The account that owns everything unless another is named. */
export const ownerAccountKey = 1;

/** All privileges, for a table. */
export const privileges: readonly Privilege[] = ["READ", "NETWORK", "MAINTAIN", "DEVELOP"];

/** True for the name of a privilege. */
export function isPrivilege(value: unknown): value is Privilege {
  return privileges.some((privilege) => privilege === value);
}

/** Makes an account; one with this key keeps what it has. The next free key is taken when none is given. */
export function addAccount(store: Store, given: { accountKey?: number; name?: string; secret?: string } = {}): Account {
  const next = numberColumn(store.first("SELECT coalesce(max(account_key), 0) + 1 AS next FROM accounts"), "next");
  const accountKey = given.accountKey ?? next;
  const values = [given.name ?? `account ${accountKey}`, given.secret ?? randomText()];
  store.run("INSERT INTO accounts VALUES (?, ?, ?) ON CONFLICT DO NOTHING", accountKey, ...values);
  return findAccount(store, accountKey);
}

/** All accounts. */
export function listAccounts(store: Store): Account[] {
  return store.all("SELECT * FROM accounts ORDER BY account_key").map(toAccount);
}

/** Throws `bad_request` when there is none. */
export function findAccount(store: Store, accountKey: number): Account {
  const row = store.first("SELECT * FROM accounts WHERE account_key = ?", accountKey);
  if (row === undefined) throw new AgentError("bad_request", `There is no account ${accountKey}`);
  return toAccount(row);
}

/** Lets an account do this with a device. */
export function grant(
  store: Store,
  accountKey: number,
  { deviceKey, privilege }: { deviceKey: number; privilege: Privilege },
): void {
  findAccount(store, accountKey);
  store.run("INSERT INTO privileges VALUES (?, ?, ?) ON CONFLICT DO NOTHING", accountKey, deviceKey, privilege);
}

/** Takes all of an account's privileges on a device away. */
export function revoke(store: Store, accountKey: number, deviceKey: number): void {
  store.run("DELETE FROM privileges WHERE account_key = ? AND device_key = ?", accountKey, deviceKey);
}

/** True when the account holds the privilege on the device, or any one when none is named; its owner holds all. */
export function holds(
  store: Store,
  accountKey: number,
  { deviceKey, privilege }: { deviceKey: number; privilege?: Privilege },
): boolean {
  const owner = "SELECT 1 FROM devices WHERE device_key = ? AND owner_account_key = ?";
  if (store.first(owner, deviceKey, accountKey) !== undefined) return true;
  const rows = store.all(
    "SELECT privilege FROM privileges WHERE account_key = ? AND device_key = ?",
    accountKey,
    deviceKey,
  );
  return rows.some((row) => privilege === undefined || row.privilege === privilege);
}

function toAccount(row: StoredRow): Account {
  return {
    accountKey: numberColumn(row, "account_key"),
    name: textColumn(row, "name"),
    secret: textColumn(row, "secret"),
  };
}
