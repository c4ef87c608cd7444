import assert from "node:assert/strict";
import { ssidBytes, ssidText } from "../../../lib/network/ssid.ts";

Deno.test("every name of up to 32 bytes has a text of its own, which leads back to it", () => {
  const encoder = new TextEncoder();
  const names = [
    encoder.encode("Home Net"),
    encoder.encode("Grüße 😀"),
    encoder.encode("\\xff is just text"),
    encoder.encode("\ufeffmark"),
    Uint8Array.of(0),
    Uint8Array.of(255),
    Uint8Array.of(0x41, 0xff, 0xc3, 0xa4, 0xc3),
    Uint8Array.of(0x5c, 0x78, 0x66, 0x66, 0xff),
    ...Array.from({ length: 100 }, () => {
      const name = crypto.getRandomValues(new Uint8Array(1 + Math.floor(32 * Math.random())));
      // Ones that read like an escaped byte as well.
      return Math.random() < 0.2 ? new Uint8Array([...encoder.encode("\\xfe"), ...name].slice(0, 32)) : name;
    }),
  ];
  for (const name of names) assert.deepEqual([...ssidBytes(ssidText(name))], [...name], ssidText(name));
});

Deno.test("ssidBytes() refuses what no network can be called", () => {
  for (const text of ["", "x".repeat(33), "ü".repeat(17), "\ud800"]) {
    assert.throws(() => ssidBytes(text), { code: "bad_request" }, text);
  }
});
