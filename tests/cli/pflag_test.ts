import assert from "node:assert/strict";
import type { FlagDefinition } from "../../src/cli/flag_definition.ts";
import { ParseError } from "../../src/cli/errors.ts";
import { parseArguments, type ParsedArguments } from "../../src/cli/pflag.ts";

const FLAGS: readonly FlagDefinition[] = [
  { name: "all", kind: "boolean", description: "" },
  { name: "quiet", short: "q", kind: "boolean", description: "" },
  { name: "rm", short: "p", aliases: ["purge"], kind: "boolean", description: "" },
  { name: "format", short: "f", kind: "text", description: "" },
  { name: "os-features", kind: "list", description: "" },
  { name: "annotation", kind: { manifests: "array", podman: "array", buildah: "list" }, description: "" },
];

const parse = (args: string[], persona: "manifests" | "buildah" = "manifests", stopsAtOperand = false) =>
  parseArguments(args, { flags: FLAGS, persona, stopsAtOperand });

Deno.test("parseArguments() parses like pflag", () => {
  const rows: [string[], ParsedArguments["flags"], string[]][] = [
    [["x", "--all", "y"], { all: true }, ["x", "y"]],
    [["--all=false", "x"], { all: false }, ["x"]],
    [["--all=T", "-q=0"], { all: true, quiet: false }, []],
    [["--all", "false"], { all: true }, ["false"]],
    [["--purge", "--rm=false"], { rm: false }, []],
    [["-qp", "-foci"], { quiet: true, rm: true, format: "oci" }, []],
    [["-f=oci", "--format="], { format: "" }, []],
    [["-qf=oci"], { quiet: true, format: "oci" }, []],
    [["-f=oci"], { format: "oci" }, []],
    [["-f", "oci", "-f="], { format: "=" }, []],
    [["--no-all"], { all: false }, []],
    [["-f", "--all"], { format: "--all" }, []],
    [["--format", "--", "x"], { format: "--" }, ["x"]],
    [["--os-features", 'a,"b,c"', "--os-features=", "--os-features=d"], { osFeatures: ["a", "b,c", "d"] }, []],
    [["--annotation", "a=b,c=d"], { annotation: ["a=b,c=d"] }, []],
    [["x", "--", "--all", "-q"], {}, ["x", "--all", "-q"]],
    [["-"], {}, ["-"]],
  ];
  for (const [args, flags, operands] of rows) {
    const parsed = parse(args);
    assert.deepEqual({ ...parsed.flags }, flags, args.join(" "));
    assert.deepEqual(parsed.operands, operands, args.join(" "));
  }
  assert.deepEqual(parse(["--annotation", "a=b,c=d"], "buildah").flags.annotation, ["a=b", "c=d"]);
  const stopped = parse(["-q", "push", "--all", "--bogus"], "manifests", true);
  assert.deepEqual(stopped.operands, ["push", "--all", "--bogus"]);
});

Deno.test("parseArguments() reports errors in the wording of pflag", () => {
  const rows: [string[], string][] = [
    [["--bogus"], "unknown flag: --bogus"],
    [["--bogus=x"], "unknown flag: --bogus"],
    [["--al"], "unknown flag: --al (did you mean --all?)"],
    [["-z"], "unknown shorthand flag: 'z' in -z"],
    [["--format"], "flag needs an argument: --format"],
    [["-qf"], "flag needs an argument: 'f' in -f"],
    [
      ["-q=maybe"],
      'invalid argument "maybe" for "-q, --quiet" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    [["--=x"], "bad flag syntax: --=x"],
    [["---all"], "bad flag syntax: ---all"],
    [["-zq"], "unknown shorthand flag: 'z' in -zq"],
    [
      ["--all=maybe"],
      'invalid argument "maybe" for "--all" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
  ];
  for (const [args, message] of rows) {
    assert.throws(() => parse(args), (error) => error instanceof ParseError && error.message === message, args.join());
  }
});
