import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { decodeContainer, decodeImage, decodeImageDetails, decodeSummary } from "../../../lib/docker/decode.ts";

const emptyContainer = {
  id: "a1",
  name: "",
  status: "",
  exitCode: 0,
  error: "",
  oomKilled: false,
  pid: 0,
  startedAt: "",
  finishedAt: "",
  networkMode: "",
  portBindings: {},
  image: "",
  imageId: "",
  stopSignal: "",
  stopTimeoutSeconds: undefined,
  volumes: [],
  mountTargets: [],
  env: [],
  labels: {},
  tty: false,
  logDriver: "",
};

Deno.test("decodeContainer() reads what inspect reports", () => {
  const wire = {
    Id: "a1",
    Name: "/shop",
    State: { Status: "exited", ExitCode: 137, Error: "no", OOMKilled: true, Pid: 7, StartedAt: "s", FinishedAt: "f" },
    Image: "sha256:77",
    Config: {
      ...{ Image: "shop:1", Env: ["A=b"], Labels: { real: "True" }, Tty: true },
      ...{ StopSignal: "SIGRTMIN+3", StopTimeout: 20 },
    },
    Mounts: [
      { Type: "volume", Name: "v1", Source: "/var/lib/docker/volumes/v1/_data", Destination: "/state" },
      { Type: "bind", Source: "/apps/shop", Destination: "/data" },
      { Type: "volume", Name: "", Destination: "/nameless" },
      null,
    ],
    HostConfig: {
      LogConfig: { Type: "json-file", Config: {} },
      NetworkMode: "bridge",
      PortBindings: {
        "80/tcp": [{ HostIp: "", HostPort: "31000" }, { HostIp: "127.0.0.1", HostPort: "" }],
        "81/udp": null,
      },
    },
  };
  assert.deepEqual(decodeContainer(wire), {
    id: "a1",
    name: "shop",
    status: "exited",
    exitCode: 137,
    error: "no",
    oomKilled: true,
    pid: 7,
    startedAt: "s",
    finishedAt: "f",
    networkMode: "bridge",
    portBindings: { "80/tcp": [{ hostIp: "", hostPort: 31000 }, { hostIp: "127.0.0.1", hostPort: 0 }], "81/udp": [] },
    image: "shop:1",
    imageId: "sha256:77",
    stopSignal: "SIGRTMIN+3",
    stopTimeoutSeconds: 20,
    volumes: [{ name: "v1", target: "/state" }],
    mountTargets: ["/state", "/data", "/nameless"],
    env: ["A=b"],
    labels: { real: "True" },
    tty: true,
    logDriver: "json-file",
  });
});

Deno.test("decodeContainer() reads every missing or wrong member as empty, but not a missing id", () => {
  const hostile = [{}, { State: null, Config: 7, HostConfig: [], Mounts: {}, Image: 5 }, {
    Config: { Env: [1, null], Labels: null, Tty: "true", StopSignal: 15, StopTimeout: "10" },
    Mounts: [7, { Type: "volume", Name: 1, Destination: 2 }],
  }];
  for (const wire of hostile) assert.deepEqual(decodeContainer({ Id: "a1", ...wire }), emptyContainer);
  for (const wire of [null, 5, "x", [], {}, { Id: 7 }]) {
    assert.throws(() => decodeContainer(wire), (error) => hasCode(error, "engine_failed"));
  }
});

Deno.test("decodeImageDetails() reads what inspect reports, and nothing where there is nothing", () => {
  const wire = {
    ...{ Os: "linux", Architecture: "amd64", RepoDigests: ["r.example.com/x@sha256:1"] },
    Config: { Volumes: { "/state": {}, "/data/": {} }, StopTimeout: 0 },
  };
  const [platform, digests] = [{ os: "linux", architecture: "amd64" }, ["sha256:1"]];
  assert.deepEqual(decodeImageDetails(wire), {
    ...{ ...platform, digests, volumes: ["/state", "/data/"], stopTimeoutSeconds: 0 },
  });
  const empty = { os: "", architecture: "", digests: [], volumes: [], stopTimeoutSeconds: undefined };
  for (const wrong of [null, [], {}, { Config: null }, { Config: { Volumes: null, StopTimeout: null } }]) {
    assert.deepEqual(decodeImageDetails(wrong), empty);
  }
});

Deno.test("decodeSummary() and decodeImage() read list entries and skip those without an id", () => {
  assert.deepEqual(
    decodeSummary({
      ...{ Id: "a", Names: ["/x", "/y/x"], State: "running", Image: "i", Labels: { k: "v" } },
      Ports: [{ IP: "0.0.0.0", PrivatePort: 80, PublicPort: 31_000, Type: "tcp" }, { PrivatePort: 81, Type: "udp" }, 5],
    }),
    {
      id: "a",
      names: ["x", "y/x"],
      state: "running",
      image: "i",
      labels: { k: "v" },
      published: { "80/tcp": [{ hostIp: "0.0.0.0", hostPort: 31_000 }] },
    },
  );
  assert.deepEqual(
    decodeImage({ Id: "i", RepoTags: ["<none>:<none>"], Created: 5, Size: 6, Containers: -1, Labels: null }),
    {
      id: "i",
      repoTags: [],
      labels: {},
      created: 5,
      size: 6,
      sharedSize: undefined,
      virtualSize: undefined,
      containers: -1,
    },
  );
  for (const wire of [null, [], {}, "x", { Id: 1 }]) {
    assert.equal(decodeSummary(wire), undefined);
    assert.equal(decodeImage(wire), undefined);
  }
});

Deno.test("#13: decodeContainer() reads the verdict of a health check and what the last one printed", () => {
  const health = { Status: "unhealthy", FailingStreak: 2, Log: [{ Output: "old" }, { Output: "check says no\n" }] };
  const decoded = (State: object) => decodeContainer({ Id: "a", State }).health;
  assert.deepEqual(decoded({ Health: health }), { status: "unhealthy", output: "check says no" });
  assert.deepEqual(decoded({ Health: { Status: "starting", Log: null } }), { status: "starting", output: "" });
  for (const none of [{}, { Health: null }, { Health: { Status: "none" } }]) assert.equal(decoded(none), undefined);
});
