/** Starts and ends real programs that outlive the test that started them; the demo has the same ones. */

export * from "../../scripts/box/background.ts";
