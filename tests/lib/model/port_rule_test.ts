import assert from "node:assert/strict";
import { decodePortRules, describeUnreadable, encodePortRule } from "../../../lib/model/port_rule.ts";

Deno.test("decodePortRules() completes missing members and keeps unknown ones for saving", () => {
  const { rules, problems } = decodePortRules([{ port: 8080, color: "red" }]);
  assert.deepEqual(problems, []);
  const [rule] = rules;
  assert.ok(rule);
  assert.deepEqual(encodePortRule(rule), {
    color: "red",
    main: false,
    name: "",
    active: false,
    public: false,
    port: 8080,
    protocol: "http",
    local_ip: "",
    remote_port_environment: "",
    remote_port: 0,
  });
});

Deno.test("encodePortRule() writes every known member", () => {
  const wire = {
    main: true,
    name: "ui",
    active: true,
    public: true,
    port: 1,
    protocol: "udp",
    local_ip: "10.0.0.2",
    remote_port_environment: "P",
    remote_port: 2,
    host_port: 3,
    cloud_remote_port: 4,
    reserved_host_port: 5,
    reserved_remote_port: 6,
    reservation_error: "reserved host port 5 is in use by another process",
  };
  assert.deepEqual(decodePortRules([wire]).rules.map(encodePortRule), [wire]);
});

Deno.test("decodePortRules() leaves out exactly the malformed rules and reports where they fail", () => {
  const cases: [unknown, string][] = [
    [7, "ports[0] must be an object, got 7"],
    [{ port: "http" }, 'ports[0].port must be a whole number from 1 to 65535, got "http"'],
    [{ port: -1 }, "ports[0].port must be a whole number from 1 to 65535, got -1"],
    [{ port: "-1" }, 'ports[0].port must be a whole number from 1 to 65535, got "-1"'],
    [{ port: 65_536 }, "ports[0].port must be a whole number from 1 to 65535, got 65536"],
    [{ port: 1.5 }, "ports[0].port must be a whole number from 1 to 65535, got 1.5"],
    [{ port: 0 }, "ports[0].port must be a whole number from 1 to 65535, got 0"],
    [{}, "ports[0].port must be a whole number from 1 to 65535, got nothing"],
    [{ port: null }, "ports[0].port must be a whole number from 1 to 65535, got nothing"],
    [{ port: 1, host_port: "x" }, 'ports[0].host_port must be a whole number from 0 to 65535, got "x"'],
    [
      { port: 1, reserved_host_port: 65_536 },
      "ports[0].reserved_host_port must be a whole number from 0 to 65535, got 65536",
    ],
    [{ port: 1, active: 1 }, "ports[0].active must be true or false, got 1"],
    [{ port: 1, name: [] }, "ports[0].name must be text, got a list"],
    [{ port: 1, protocol: "icmp" }, 'ports[0].protocol must be http, https, tcp or udp, got "icmp"'],
  ];
  for (const [entry, problem] of cases) {
    const decoded = decodePortRules([entry, { port: 1, protocol: "", local_ip: null }]);
    assert.deepEqual(decoded.problems, [problem]);
    assert.equal(decoded.rules.length, 1);
    assert.deepEqual(decoded.others, [entry]);
  }
  assert.deepEqual(decodePortRules({}), { rules: [], others: [], problems: ["ports must be a list, got an object"] });
  assert.deepEqual(decodePortRules(null), { rules: [], others: [], problems: [] });
});

Deno.test("decodePortRules() returns what it cannot read as it came, in its order", () => {
  const unreadable = [null, "80", ["x"], { port: "eighty", color: "red", deep: { a: [1] } }];
  const [first, ...rest] = unreadable;
  const { rules, others, problems } = decodePortRules([first, { port: 1 }, ...rest, { port: 2 }]);
  assert.deepEqual(others, unreadable);
  assert.deepEqual(rules.map(({ port }) => port), [1, 2]);
  assert.deepEqual(problems.map((problem) => problem.slice(0, 8)), ["ports[0]", "ports[2]", "ports[3]", "ports[4]"]);
});

Deno.test("#17: numbers of a port rule may be text", () => {
  const cases: [given: unknown, expected: number][] = [["8080", 8080], [" 8080 ", 8080], ["08080", 8080], ["+80", 80], [
    "80.0",
    80,
  ], [80.0, 80]];
  for (const [port, expected] of cases) {
    const { rules, problems } = decodePortRules([{ port, host_port: port, reserved_host_port: port, remote_port: "" }]);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      rules.map((rule) => [rule.port, rule.hostPort, rule.reservedHostPort, rule.remotePort]),
      [[expected, expected, expected, 0]],
      String(port),
    );
  }
});

Deno.test("#17: describeUnreadable() names the rule and what is wrong with it", () => {
  const long = "x".repeat(100);
  assert.deepEqual(describeUnreadable([{ name: "web", port: "http" }, 7, { port: 1 }, { name: long }]), [
    'The port rule "web" is left out: port must be a whole number from 1 to 65535, got "http"',
    "A port rule is left out: it must be an object, got 7",
    `The port rule "${long.slice(0, 60)}" is left out: port must be a whole number from 1 to 65535, got nothing`,
  ]);
});
