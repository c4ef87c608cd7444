import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { decodeBusValue, encodeBusValue } from "../../../lib/dbus/bus_codec.ts";
import {
  type BusValue,
  busVariant,
  readBusBoolean,
  readBusBytes,
  readBusDict,
  readBusList,
  readBusNumber,
  readBusText,
  readBusTexts,
  unwrapped,
} from "../../../lib/dbus/bus_values.ts";

function dict(...pairs: unknown[]): unknown {
  return Object.defineProperty(pairs, Symbol.for("dbus.dict"), { value: true });
}

Deno.test("values of the package become values of the agent and back", () => {
  const rows: [read: unknown, value: BusValue, written: unknown][] = [
    ["a", "a", "a"],
    [1n, 1n, 1n],
    [["a", 1], ["a", 1], ["a", 1]],
    [new Uint8Array([1]), new Uint8Array([1]), new Uint8Array([1])],
    [dict(["k", 1]), new Map([["k", 1]]), [["k", 1]]],
    [{ signature: "u", value: 1 }, busVariant("u", 1), ["u", 1]],
    [dict(["__proto__", { signature: "s", value: "x" }]), new Map([["__proto__", busVariant("s", "x")]]), [[
      "__proto__",
      ["s", "x"],
    ]]],
  ];
  for (const [read, value, written] of rows) {
    assert.deepEqual(decodeBusValue(read), value);
    assert.deepEqual(encodeBusValue(value), written);
  }
});

Deno.test("decodeBusValue() refuses what is no value of D-Bus", () => {
  const deep = Array.from({ length: 100 }).reduce((inner: unknown) => [inner], 1);
  const rows = [null, undefined, {}, () => 1, Symbol("x"), deep, dict(1), dict([1]), { signature: "s" }, [null]];
  for (const value of rows) assert.throws(() => decodeBusValue(value), (error) => hasCode(error, "protocol_error"));
});

Deno.test("readers unwrap variants, and refuse values of another kind", () => {
  const inner = busVariant("v", busVariant("s", "x"));
  assert.equal(unwrapped(inner), "x");
  assert.equal(readBusText(inner, "it"), "x");
  assert.equal(readBusNumber(5n, "it"), 5);
  assert.deepEqual(readBusTexts(busVariant("as", ["a"]), "it"), ["a"]);
  const readers = [readBusText, readBusNumber, readBusBoolean, readBusBytes, readBusList, readBusTexts, readBusDict];
  const values: (BusValue | undefined)[] = ["x", 1, true, new Uint8Array(), [], new Map()];
  for (const reader of readers) {
    let taken = 0;
    for (const value of [...values, undefined, 2n ** 60n]) {
      try {
        reader(value, "it");
        taken += 1;
      } catch (error) {
        assert.ok(hasCode(error, "protocol_error") && error.message.startsWith("Cannot read it: it is not "));
      }
    }
    assert.equal(taken, 1, reader.name);
  }
});
