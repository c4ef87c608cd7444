/** The accounts of the local Studio and their privileges on devices. */

import { AgentError } from "../../lib/base/errors.ts";
import type { Privilege } from "../../lib/backend/requests.ts";
import { numberColumn, randomText, type Store, type StoredRow, textColumn } from "./store.ts";

/** An account that may own devices and call them. Its key is its authid. */
export interface Account {
  accountKey: number;
  name: string;
  secret: string;
}

/** The account that owns everything by default. */
export const ownerAccountKey = 1;

/** All privileges. */
export const privileges: readonly Privilege[] = ["READ", "NETWORK", "MAINTAIN", "DEVELOP"];

/** Whether a value is the name of a privilege. */
export function isPrivilege(value: unknown): value is Privilege {
  return privileges.some((privilege) => privilege === value);
}

/** Adds an account, with the next free key unless one is given. An existing account stays as it is. */
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

/** Returns an account. Throws `bad_request` when there is none. */
export function findAccount(store: Store, accountKey: number): Account {
  const row = store.first("SELECT * FROM accounts WHERE account_key = ?", accountKey);
  if (row === undefined) throw new AgentError("bad_request", `There is no account ${accountKey}`);
  return toAccount(row);
}

/** Grants an account a privilege on a device. */
export function grant(
  store: Store,
  accountKey: number,
  { deviceKey, privilege }: { deviceKey: number; privilege: Privilege },
): void {
  findAccount(store, accountKey);
  store.run("INSERT INTO privileges VALUES (?, ?, ?) ON CONFLICT DO NOTHING", accountKey, deviceKey, privilege);
}

/** Revokes all privileges of an account on a device. */
export function revoke(store: Store, accountKey: number, { deviceKey }: { deviceKey: number }): void {
  store.run("DELETE FROM privileges WHERE account_key = ? AND device_key = ?", accountKey, deviceKey);
}

/** Whether an account has the privilege on a device, or any privilege if none is given; the owner has all. */
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
