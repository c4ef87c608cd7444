// box crossbar
import assert from "node:assert/strict";
import { Crossbar } from "../../../scripts/testbed/crossbar.ts";
import { listProcesses } from "../../../scripts/testbed/background.ts";
import { pollUntil, sleep } from "../../../scripts/testbed/wait.ts";

const device = { authid: "2-7", secret: "a secret", role: "device" } as const;

/**
 * The number of the router's processes, whose titles begin with `crossbar-`; the test's own have the word only in their
 * arguments.
 */
async function routerProcesses(): Promise<number> {
  return (await listProcesses()).filter((row) => /^\[?crossbar-/.test(row.command)).length;
}

/**
 * Sends HELLO and returns the first answer; `closed` resolves with the connection, to whether it was closed cleanly.
 */
async function sayHello(url: string, authid: string) {
  const socket = new WebSocket(url, "wamp.2.json");
  const closed = new Promise<boolean>((resolve) => {
    socket.addEventListener("close", (event) => resolve(event.wasClean));
  });
  const answer = new Promise<unknown>((resolve, reject) => {
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify([1, "realm1", { roles: { caller: {} }, authmethods: ["wampcra"], authid }]));
    });
    socket.addEventListener("message", (event) => resolve(JSON.parse(event.data)));
    socket.addEventListener("error", () => reject(new Error("The router refused the connection")));
  });
  return { socket, closed, answer: await answer };
}

Deno.test("Crossbar.io challenges its users and no one else, and comes back after stop, kill and freeze", async (test) => {
  let running = 0;
  {
    await using router = await Crossbar.start({ users: [device, { ...device, authid: "system", role: "system" }] });
    await test.step("challenges a user, aborts a stranger", async () => {
      const known = await sayHello(router.url, device.authid);
      assert.deepEqual(Object(known.answer).slice(0, 2), [4, "wampcra"]);
      known.socket.close();
      const stranger = await sayHello(router.url, "stranger");
      assert.equal(Object(stranger.answer)[0], 3);
      assert.match(JSON.stringify(stranger.answer), /no principal with authid/);
      // The router leaves the line open after its ABORT.
      stranger.socket.close();
      await Promise.all([known.closed, stranger.closed]);
    });
    await test.step("kill() cuts the lines, start() takes new ones", async () => {
      const line = await sayHello(router.url, device.authid);
      await router.kill();
      assert.equal(await line.closed, false);
      await assert.rejects(sayHello(router.url, device.authid), /refused/);
      await router.start();
      const next = await sayHello(router.url, device.authid);
      next.socket.close();
      await next.closed;
    });
    await test.step("freeze() keeps the lines and answers nothing until thaw()", async () => {
      await router.freeze();
      let isAnswered = false;
      const line = sayHello(router.url, device.authid).then((found) => {
        isAnswered = true;
        return found;
      });
      await sleep(300);
      assert.equal(isAnswered, false);
      router.thaw();
      const { socket, closed } = await line;
      socket.close();
      await closed;
    });
    await router.restart();
    running = await routerProcesses();
  }
  assert.ok(running > 0);
  await pollUntil("the router is gone", async () => await routerProcesses() === 0 || undefined, { limitMs: 5_000 });
});
