import assert from "node:assert/strict";
import { type TokenRequest, TokenServer } from "../../../scripts/studio/token_server.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";

/** A running token server that lets `pump` with the password `p:w` pull. */
class Scene implements AsyncDisposable {
  private constructor(readonly folder: string, readonly server: TokenServer) {}

  static async start(): Promise<Scene> {
    const folder = await Deno.makeTempDir({ prefix: "t-" });
    const check = ({ user, password }: TokenRequest) => user === "pump" && password === "p:w" ? ["pull"] : false;
    const options = { port: 0, folder, check, service: "images", issuer: "me" };
    return new Scene(folder, await TokenServer.start(options));
  }

  /** Sends a request as it stands, and returns the status and the body. */
  async send(text: string): Promise<{ status: number; body: string }> {
    using line = await Deno.connect({ hostname: "127.0.0.1", port: this.server.port });
    await line.write(new TextEncoder().encode(text));
    const answer = await new Response(line.readable).text();
    return { status: Number(answer.slice(9, 12)), body: answer.slice(answer.indexOf("\r\n\r\n") + 4) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

function request(headers: Record<string, string>, { method = "GET", path = "/token", body = "" } = {}): string {
  const lines = Object.entries({ Host: "127.0.0.1", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

Deno.test("a login by header or by form gets a token for what it may do", async () => {
  await using scene = await Scene.start();
  const scope = "scope=repository:apps/shop:pull,push";
  const authorization = `Basic ${btoa("pump:p:w")}`;
  const byHeader = await scene.send(request({ Authorization: authorization }, { path: `/token?${scope}` }));
  assert.equal(byHeader.status, 200, byHeader.body);
  const body = `username=pump&password=p%3Aw&${scope}`;
  const headers = { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": String(body.length) };
  const byForm = await scene.send(request(headers, { method: "POST", body }));
  assert.equal(byForm.status, 200, byForm.body);
  for (const answer of [byHeader, byForm]) {
    const [, claims = ""] = String(JSON.parse(answer.body).token).split(".");
    const { access, sub } = JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/")));
    assert.deepEqual({ access, sub }, {
      access: [{ type: "repository", name: "apps/shop", actions: ["pull"] }],
      sub: "pump",
    });
  }
});

Deno.test("#15: the token server answers no page of another site and no other name, and knows nobody better", async () => {
  await using scene = await Scene.start();
  const login = (text: string) => ({ Authorization: `Basic ${btoa(text)}` });
  const rows: [headers: Record<string, string>, status: number][] = [
    [{ Host: "localhost:5003", ...login("pump:p:w") }, 200],
    [{ Host: "evil.example", ...login("pump:p:w") }, 403],
    [{ Origin: "https://evil.example", ...login("pump:p:w") }, 403],
    [{ "Sec-Fetch-Site": "cross-site", ...login("pump:p:w") }, 403],
    [login("pump:wrong"), 401],
    [login("nobody:wrong"), 401],
    [{ Authorization: "Basic %%%" }, 401],
    [{ Authorization: `Basic ${"A".repeat(9_000)}` }, 401],
    [{}, 401],
  ];
  const refused = new Set<string>();
  for (const [headers, status] of rows) {
    const answer = await scene.send(request(headers));
    assert.equal(answer.status, status, JSON.stringify(headers).slice(0, 100));
    if (status === 401) refused.add(answer.body);
  }
  assert.equal(refused.size, 1);
  assert.equal((await scene.send(request({}, { method: "DELETE" }))).status, 405);
});

Deno.test("#15: a form that is too long is refused by its size", async () => {
  await using scene = await Scene.start();
  const body = `username=pump&password=p%3Aw&padding=${"x".repeat(20_000)}`;
  const answer = await scene.send(request({ "Content-Length": String(body.length) }, { method: "POST", body }));
  assert.equal(answer.status, 413);
  assert.deepEqual(scene.server.requests, []);
});

Deno.test("#15: half-sent requests are bounded, and keep nobody out", async () => {
  await using scene = await Scene.start();
  const lines: { isClosed: boolean; conn: Deno.TcpConn }[] = [];
  for (let count = 0; count < 100; count += 1) {
    const line = { isClosed: false, conn: await Deno.connect({ hostname: "127.0.0.1", port: scene.server.port }) };
    await line.conn.write(new TextEncoder().encode("POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Le"));
    new Response(line.conn.readable).bytes().catch(() => {}).finally(() => line.isClosed = true);
    lines.push(line);
  }
  await pollUntil("only so many are left", () => {
    return Promise.resolve(lines.filter((line) => !line.isClosed).length <= 64 || undefined);
  });
  assert.equal((await scene.send(request({ Authorization: `Basic ${btoa("pump:p:w")}` }))).status, 200);
  await scene.server[Symbol.asyncDispose]();
  await pollUntil("all are gone", () => Promise.resolve(lines.every((line) => line.isClosed) || undefined));
});
