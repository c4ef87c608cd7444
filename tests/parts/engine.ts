/** A real Docker engine of the test's own, in the box; the demo has the same one. */

export * from "../../scripts/box/dockerd.ts";
