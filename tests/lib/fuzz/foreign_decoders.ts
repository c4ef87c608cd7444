/** The decoders of data that others have made, each with good inputs to mutate and the bound of its answer. */

import { decodeStateRequest } from "../../../lib/apps/requests/state_request.ts";
import { decodeRequestedState, inheritingApp } from "../../../lib/apps/requests/requested_state.ts";
import { readAppStateRows, readDeviceMetadata, readSubscriptionIds, readToken } from "../../../lib/backend/replies.ts";
import { isDict } from "../../../lib/base/json.ts";
import { parseJsonTree } from "../../../lib/base/json_tree.ts";
import { escapeText } from "../../../lib/base/quote.ts";
import { usesClientCertificate } from "../../../lib/config/derived.ts";
import { readFlock } from "../../../lib/config/flock.ts";
import {
  decodeContainer,
  decodeImage,
  decodeImageDetails,
  decodeSettings,
  decodeSummary,
} from "../../../lib/docker/decode.ts";
import { readChallenge } from "../../../lib/docker/challenge.ts";
import { decodeEvent } from "../../../lib/docker/events.ts";
import { BodyReader, HeadReader } from "../../../lib/docker/http_body.ts";
import { cliConfig } from "../../../lib/docker/docker_config.ts";
import { TextLines } from "../../../lib/base/lines.ts";
import { logReader } from "../../../lib/docker/log_lines.ts";
import { splitReference } from "../../../lib/docker/registry.ts";
import { tokenServerOf } from "../../../lib/docker/token_server.ts";
import { parseFlags } from "../../../lib/flags.ts";
import { effectiveCaller } from "../../../lib/handlers/caller.ts";
import { procedures } from "../../../lib/handlers/procedures.ts";
import { readAgentFacts } from "../../../lib/local/agent_facts.ts";
import { decodeAnswer, decodeQuestion } from "../../../lib/local/questions.ts";
import { hideByLook } from "../../../lib/log/hide_by_look.ts";
import { plainValue } from "../../../lib/log/plain_value.ts";
import { Secrets } from "../../../lib/log/secrets.ts";
import { parseContainerName } from "../../../lib/model/app_names.ts";
import { parseChannel } from "../../../lib/model/channel_names.ts";
import { decodePortRules } from "../../../lib/model/port_rule.ts";
import { bundleSource } from "../../../lib/os_update/bundle_source.ts";
import { currentRelease, latestRelease } from "../../../lib/os_update/os_releases.ts";
import { readUpdateIndex } from "../../../lib/self_update/update_index.ts";
import { decodeStatuses } from "../../../lib/tunnels/decode_status.ts";
import { decodeMessage } from "../../../lib/wamp/message.ts";
import { MessageFilter } from "../../../lib/wamp/message_filter.ts";
import { fakeDevice, never } from "../../fakes/fake_handler_device.ts";

/** A decoder under test. */
export interface ForeignDecoder {
  name: string;
  /** Good inputs; bytes and texts are mutated as bytes, everything else as a value. */
  seeds: readonly unknown[];
  decode(input: unknown): unknown;
  /** Characters of the answer as JSON, or of the text of an error. */
  limitChars: number;
  /** Errors that are no `AgentError` and yet expected by the caller. */
  ownErrors?: readonly (new (...args: never[]) => Error)[];
}

/** What mutations make of a small value is below this; an answer in proportion to its input is too. */
const proportional = 400_000;

/** For answers that have a bound of their own. */
const short = 10_000;

const textOf = (input: unknown): string => input instanceof Uint8Array ? new TextDecoder().decode(input) : "";
const bytesOf = (input: unknown): Uint8Array<ArrayBuffer> => Uint8Array.from(input instanceof Uint8Array ? input : []);
const dictOf = (input: unknown): Record<string, unknown> => isDict(input) ? input : {};

const flock = JSON.stringify(
  {
    name: "pump",
    secret: "c2VjcmV0",
    swarm_key: 12,
    device_key: 345,
    serial_number: "SN-1",
    authentication: { key: "-----BEGIN", certificate: "-----BEGIN" },
    device_endpoint_url: "wss://cbw.ironflock.com/ws-re-dev",
    docker_registry_url: "registry.ironflock.com/",
    docker_main_repository: "apps/",
    "insecure-registries": "[]",
  },
  null,
  1,
);

const rule = {
  port: 8080,
  host_port: 40_000,
  protocol: "TCP",
  main: true,
  active: true,
  name: "web",
  app_name: "shop",
};

const request = {
  app_key: 42,
  app_name: "shop",
  stage: "PROD",
  target_state: "RUNNING",
  current_state: "PRESENT",
  release_key: 7,
  new_release_key: 8,
  version: "1.0.0",
  present_version: "1.0.0",
  newest_version: "1.1.0",
  request_update: false,
  requestor_account_key: 77,
  device_owner_account_key: 77,
  environment: { LEVEL: "debug", TOKEN: "x" },
  environment_template: { LEVEL: { defaultValue: "info", secret: true } },
  ports: [rule, { ...rule, port: "443", protocol: "UDP" }],
  docker_compose: null,
  new_docker_compose: { services: { web: { image: "a", ports: ["8080:80"] } } },
  docker_credentials: { "registry.example.com": { username: "u", password: "p" } },
};

const inspection = {
  Id: "abc",
  Name: "/prod_42_shop",
  Created: "2026-01-01T00:00:00Z",
  State: { Status: "running", Running: true, Pid: 77, ExitCode: 0, StartedAt: "2026-01-01T00:00:00Z", Error: "" },
  Config: { Image: "a:1", Env: ["A=1"], Labels: { "io.app": "x" }, Tty: true },
  HostConfig: {
    PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "40000" }] },
    Binds: ["/a:/data"],
    Privileged: true,
  },
  NetworkSettings: { Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "40000" }] } },
  Mounts: [{ Type: "volume", Name: "v", Destination: "/data" }],
};

const image = {
  Id: "sha256:1",
  RepoTags: ["shop:1"],
  RepoDigests: ["shop@sha256:1"],
  Created: 1,
  Size: 5,
  Architecture: "amd64",
  Os: "linux",
  Labels: { a: "b" },
  RootFS: { Layers: ["sha256:2"] },
};

const frames = [
  [2, 1, { roles: { broker: { features: {} }, dealer: {} }, authid: "12-345" }],
  [4, "wampcra", { challenge: '{"nonce": 1}', salt: "x", iterations: 1000, keylen: 32 }],
  [36, 5, 6, { topic: "reswarm.logs.SN-1.x" }, [1], { a: 1 }],
  [50, 1, {}, [{ rows: [1, 2] }], {}],
  [68, 1, 9, { caller_authid: "system", timeout: 1000 }, [1], { a: 1 }],
  [69, 1, { mode: "kill" }],
  [8, 48, 1, {}, "wamp.error.canceled", [{ error: "x" }]],
  [65, 1, 9],
  [6, { message: "x" }, "wamp.close.close_realm"],
];

const payload = new TextEncoder().encode("2026-01-02T03:04:05.123456789Z a line of a program\r\n");
const frame = Uint8Array.from([1, 0, 0, 0, 0, 0, 0, payload.length, ...payload, 2, 0, 0, 0, 0, 0, 0, 2, 0x78, 0x0a]);

const response =
  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

const readLog = (isTty: boolean) => (input: unknown) => {
  const reader = logReader(isTty);
  const lines: string[] = [];
  reader.push(bytesOf(input), (line) => void lines.push(line.text));
  reader.flush((line) => void lines.push(line.text));
  return lines;
};

/** All of them. A new decoder of foreign data gets a row here. */
export const foreignDecoders: readonly ForeignDecoder[] = [
  {
    name: "cliConfig()",
    seeds: [{
      auths: { "ghcr.io": { auth: "dTpw" } },
      cliPluginsExtraDirs: ["/opt/plugins"],
      proxies: { default: { httpProxy: "http://proxy:3128" } },
    }],
    decode: (input) => cliConfig([], input),
    limitChars: proportional,
  },
  { name: "readFlock()", seeds: [flock], decode: (input) => readFlock(textOf(input)), limitChars: proportional },
  {
    name: "parseJsonTree()",
    seeds: [flock],
    decode: (input) => parseJsonTree(textOf(input)),
    limitChars: proportional,
  },
  {
    name: "decodeMessage()",
    seeds: frames.map((message) => JSON.stringify(message)),
    decode: (input) => decodeMessage(textOf(input)),
    limitChars: proportional,
  },
  {
    name: "MessageFilter.classify()",
    seeds: frames,
    decode: (input) => {
      const filter = new MessageFilter();
      filter.classify([2, 1, { roles: { broker: {}, dealer: {} } }]);
      const message = decodeMessage(JSON.stringify(input));
      return message === undefined ? undefined : filter.classify(message);
    },
    limitChars: proportional,
  },
  {
    name: "decodeStateRequest()",
    seeds: [request],
    decode: (input) => decodeStateRequest(dictOf(input)),
    limitChars: proportional,
  },
  {
    name: "decodeRequestedState()",
    seeds: [{ ...request, manually_requested_state: "RUNNING", device_key: 345 }],
    decode: (input) => [decodeRequestedState(input), inheritingApp(input)],
    limitChars: proportional,
  },
  { name: "decodePortRules()", seeds: [[rule, rule]], decode: decodePortRules, limitChars: proportional },
  {
    name: "the decoders of procedures",
    seeds: [[{ all: true, containerName: "prod_42_shop", requestor_account_key: 77 }]],
    decode: (input) => {
      const call = { args: Array.isArray(input) ? input : [input], kwargs: dictOf(input), caller: "77", signal: never };
      effectiveCaller("system", call);
      const device = fakeDevice();
      for (const row of procedures.filter((each) => each.isAvailable)) void row.answer(device, call).catch(() => {});
    },
    limitChars: short,
  },
  {
    name: "replies of the backend",
    seeds: [{ device_name: "pump", swarm_name: "demo", ownername: "acme", swarm_key: 12 }, [[request]], [[1, 2]], [
      "token",
    ]],
    decode: (input) => {
      const readers = [
        () => readDeviceMetadata(input),
        () => readAppStateRows(input),
        () => readSubscriptionIds(input),
        () => readToken(input, { name: "token", mayBeEmpty: false }),
      ];
      for (const read of readers) ignoreRefusal(read);
    },
    limitChars: short,
  },
  {
    name: "answers of the engine",
    seeds: [inspection, image, { ...inspection, Names: ["/prod_42_shop"], State: "running", Status: "Up" }],
    decode: (input) => {
      for (const decode of [decodeContainer, decodeSettings, decodeSummary, decodeImage, decodeImageDetails]) {
        ignoreRefusal(() => decode(input));
      }
    },
    limitChars: short,
  },
  {
    name: "decodeEvent()",
    seeds: [
      JSON.stringify({ Action: "die", Actor: { ID: "a", Attributes: { name: "x", exitCode: "1" } }, timeNano: 5 }),
    ],
    decode: (input) => String(decodeEvent(textOf(input))?.action),
    limitChars: proportional,
  },
  {
    name: "HTTP responses of the engine",
    seeds: [response],
    decode: (input) => {
      const read = new HeadReader().push(bytesOf(input));
      return read === undefined ? 0 : new BodyReader(read.head).push(read.rest).length;
    },
    limitChars: short,
    // The caller gives them the engine's code.
    ownErrors: [Error],
  },
  { name: "logs of containers with a terminal", seeds: [payload], decode: readLog(true), limitChars: proportional },
  { name: "logs of containers without a terminal", seeds: [frame], decode: readLog(false), limitChars: proportional },
  {
    name: "TextLines",
    seeds: [payload],
    decode: (input) => {
      const lines: string[] = [];
      const reader = new TextLines();
      reader.push(bytesOf(input), (line) => void lines.push(line));
      reader.flush((line) => void lines.push(line));
      return lines;
    },
    limitChars: proportional,
  },
  {
    name: "names",
    seeds: ["prod_42_shop", "registry.example.com:5000/apps/prod_amd64_42_shop:1.0.0", "wss://devices.reswarm.io:8080"],
    decode: (input) => {
      const text = textOf(input);
      return [parseContainerName(text), parseChannel(text), splitReference(text), usesClientCertificate(text)];
    },
    limitChars: proportional,
  },
  {
    name: "challenges of a registry",
    seeds: ['Basic realm="x", Bearer realm="https://auth.example.com/token",service="registry",scope="a:b:pull"'],
    decode: (input) => readChallenge(textOf(input)),
    limitChars: short,
  },
  {
    name: "tokenServerOf()",
    seeds: ["https://auth.example.com/token?a=1", "http://127.0.0.1:5001/token"],
    decode: (input) => tokenServerOf(new URL("https://registry.example.com/"), textOf(input)).host,
    limitChars: short,
  },
  {
    name: "plainValue()",
    seeds: [[request, JSON.stringify(request), frames]],
    decode: (input) => plainValue(input, { secrets: new Secrets(), limitChars: 2_048 }),
    limitChars: short,
  },
  {
    name: "decodeStatuses()",
    seeds: [{ tcp: [{ name: "5-shop-1-tcp", type: "tcp", status: "running", err: "", remote_addr: "server:31044" }] }],
    decode: (input) => decodeStatuses(input, { serverHost: "server" }),
    limitChars: proportional,
  },
  {
    name: "readUpdateIndex()",
    seeds: ['{"all": "0.21.0", "test": "0.22.0"}'],
    decode: (input) => readUpdateIndex(textOf(input)),
    limitChars: short,
  },
  {
    name: "bundleSource()",
    seeds: ["v2,1,https://u.example.com/os/flock-0.11.0.raucb?token=1\nsecond line"],
    decode: (input) => bundleSource(textOf(input), "/etc/update"),
    limitChars: short,
  },
  {
    name: "currentRelease() and latestRelease()",
    seeds: ['NAME="FlockOS"\nVERSION="v0.10.0-flockos-20220330"\n', '{"version": "0.11.0", "buildtime": 20220401}'],
    decode: (input) => [currentRelease(textOf(input)), latestRelease(textOf(input), "/etc/latest.json")],
    limitChars: proportional,
  },
  {
    name: "decodeQuestion() of the local socket",
    seeds: ['{"ask":"history","channel":"prod_7_shop"}'],
    decode: (input) => decodeQuestion(textOf(input)),
    limitChars: short,
  },
  {
    name: "decodeAnswer() and readAgentFacts() of the local socket",
    seeds: ['{"ok":true,"value":{"version":"1","apps":[{"name":"shop"}],"disks":[{"freeBytes":1}],"problems":[{}]}}'],
    decode: (input) => {
      const answer = decodeAnswer(textOf(input));
      return answer?.ok === true ? readAgentFacts(answer.value) : answer;
    },
    limitChars: proportional,
  },
  {
    name: "what the log hides and quotes",
    seeds: ["Authorization: Bearer abc.def.ghi https://u:p@host/x?token=1 KEY=value -----BEGIN PRIVATE KEY-----"],
    decode: (input) => hideByLook(escapeText(textOf(input))),
    limitChars: proportional,
  },
  {
    name: "parseFlags()",
    seeds: ["-config device.flock -connTimeout 0x10 -debug=false --version"],
    decode: (input) =>
      parseFlags(textOf(input).split(" "), { program: "reagent", platform: { os: "linux", homeDir: "/" } }),
    limitChars: proportional,
  },
];

/** A refusal is a good answer; anything else is not. */
function ignoreRefusal(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "AgentError") throw error;
  }
}
