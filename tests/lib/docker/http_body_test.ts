import assert from "node:assert/strict";
import { BodyReader, HeadReader } from "../../../lib/docker/http_body.ts";

const encoder = new TextEncoder();

/** Reads a response that arrives in pieces of `size` bytes. */
function read(answer: string, size: number): { status: number; body: string; isDone: boolean; mayEnd: boolean } {
  const bytes = encoder.encode(answer);
  const heads = new HeadReader();
  let status = 0;
  let body: BodyReader | undefined;
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    let piece = bytes.slice(at, at + size);
    if (body === undefined) {
      const found = heads.push(piece);
      if (found === undefined) continue;
      status = found.head.status;
      body = new BodyReader(found.head);
      piece = found.rest.slice();
    }
    parts.push(body.push(piece));
  }
  assert.ok(body);
  const text = new TextDecoder().decode(Uint8Array.from(parts.flatMap((part) => [...part])));
  return { status, body: text, isDone: body.isDone, mayEnd: body.mayEnd };
}

const head = (fields: string) => `HTTP/1.1 200 OK\r\nServer: Docker\r\n${fields}\r\n\r\n`;
const chunked = head("Transfer-Encoding: chunked");

const answers: { name: string; answer: string; body: string; isDone: boolean; mayEnd: boolean }[] = [
  {
    name: "chunks",
    answer: `${chunked}5\r\nab\r\nc\r\n1\r\nd\r\n0\r\n\r\n`,
    body: "ab\r\ncd",
    isDone: true,
    mayEnd: true,
  },
  {
    name: "chunks without an end",
    answer: `${chunked}A\r\n0123456789\r\n`,
    body: "0123456789",
    isDone: false,
    mayEnd: false,
  },
  { name: "a chunk without its end", answer: `${chunked}1a\r\n0123`, body: "0123", isDone: false, mayEnd: false },
  {
    name: "chunks with extensions and a trailer",
    answer: `${chunked}2;name=a0\r\nab\r\n00;x\r\nField: value\r\nOther: 1\r\n\r\nnot of it`,
    body: "ab",
    isDone: true,
    mayEnd: true,
  },
  { name: "a length", answer: `${head("content-length: 3")}abcd`, body: "abc", isDone: true, mayEnd: true },
  { name: "a length of nothing", answer: head("Content-Length: 0"), body: "", isDone: true, mayEnd: true },
  {
    name: "less than its length",
    answer: `${head("Content-Length: 4")}abc`,
    body: "abc",
    isDone: false,
    mayEnd: false,
  },
  { name: "the end of its connection", answer: `${head("X: y")}ab\r\nc`, body: "ab\r\nc", isDone: false, mayEnd: true },
];

for (const { name, answer, ...expected } of answers) {
  Deno.test(`a response with ${name} is read however it is split`, () => {
    for (let size = 1; size <= answer.length; size += 1) {
      assert.deepEqual(read(answer, size), { status: 200, ...expected });
    }
  });
}

Deno.test("anything but a response is refused, and never read forever", () => {
  const broken = [
    "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTTP/2 200\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    head("Content-Length: -1"),
    head("Content-Length: 1e3"),
    "x".repeat(100_000),
    `${chunked}\r\nab\r\n`,
    `${chunked}xy\r\nab\r\n`,
    `${chunked}${"f".repeat(12)}\r\n`,
    `${chunked}2\r\nabc\r\n`,
  ];
  for (const answer of broken) {
    for (const size of [1, 7, answer.length]) assert.throws(() => read(answer, size), Error, answer.slice(0, 80));
  }
});

Deno.test("a status is read, whatever its text is", () => {
  for (const line of ["404 Not Found", "404", "404 "]) {
    assert.equal(read(`HTTP/1.1 ${line}\r\nContent-Length: 2\r\n\r\n{}`, 5).status, 404);
  }
});
