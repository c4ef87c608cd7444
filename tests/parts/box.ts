/** The box that tests of real parts run in; the demo has the same one. */

export * from "../../scripts/box/box.ts";
